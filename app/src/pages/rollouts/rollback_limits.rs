//! The limits of automatic rollback, in a sentence.

use leptos::prelude::*;
use lifecycle::{
    format::rate_percent,
    rollout::{WatchConfig, WatchMode},
};

/// The limits of automatic rollback, and the consequence of exceeding one.
#[component]
pub(super) fn RollbackLimits(config: WatchConfig) -> impl IntoView {
    view! {
        <p class="faint">
            {sentence(&config)} " " <a href="/settings">"Settings"</a>
        </p>
    }
}

fn sentence(config: &WatchConfig) -> String {
    let then = match config.mode {
        WatchMode::RollBack => "stable gets all traffic back at once",
        WatchMode::Observe => "it is only recorded",
    };
    format!(
        "Automatic rollback: {then} when the canary's last five minutes, {} decisions or more, have more than {} errors (and {} \
         times stable's), {} denials, {} without a rule, or an average cost {} above stable's. Where stable answers the same \
         requests within {} of it, an incident is opened instead.",
        config.min_sample_size,
        rate_percent(config.max_error_rate),
        config.error_rate_factor,
        rate_percent(config.max_deny_rate),
        rate_percent(config.max_no_match_rate),
        rate_percent(config.max_cost_increase),
        rate_percent(config.paired_margin),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_described_in_a_sentence() {
        let described = sentence(&WatchConfig::default());
        assert!(described.starts_with("Automatic rollback: stable gets all traffic back at once when"), "{described}");
        assert!(
            described.contains("50 decisions or more, have more than 10 % errors (and 2 times stable's), 50 % denials"),
            "{described}"
        );
        let observed = sentence(&WatchConfig { mode: WatchMode::Observe, ..WatchConfig::default() });
        assert!(observed.starts_with("Automatic rollback: it is only recorded when"), "{observed}");
    }
}
