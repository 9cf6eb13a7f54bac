//! What takes a canary out without anybody asking, in a sentence.

use leptos::prelude::*;
use lifecycle::{
    format::rate_percent,
    rollout::{WatchConfig, WatchMode},
};

/// The limits of automatic rollback, and what happens past them.
#[component]
pub(super) fn Watched(config: WatchConfig) -> impl IntoView {
    view! {
        <p class="faint">
            {words(&config)} " " <a href="/settings">"Settings"</a>
        </p>
    }
}

fn words(config: &WatchConfig) -> String {
    let then = match config.mode {
        WatchMode::RollBack => "stable gets all traffic back at once",
        WatchMode::Observe => "it is only written down",
    };
    format!(
        "Automatic rollback: {then} when the canary's last five minutes, {} decisions or more, have more than {} errors (and {} \
         times stable's), {} denials, {} without a rule, or an average cost {} above stable's.",
        config.min_sample_size,
        rate_percent(config.max_error_rate),
        config.error_rate_factor,
        rate_percent(config.max_deny_rate),
        rate_percent(config.max_no_match_rate),
        rate_percent(config.max_cost_increase),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_told_in_a_sentence() {
        let told = words(&WatchConfig::default());
        assert!(told.starts_with("Automatic rollback: stable gets all traffic back at once when"), "{told}");
        assert!(
            told.contains("50 decisions or more, have more than 10 % errors (and 2 times stable's), 50 % denials"),
            "{told}"
        );
        let observed = words(&WatchConfig { mode: WatchMode::Observe, ..WatchConfig::default() });
        assert!(observed.starts_with("Automatic rollback: it is only written down when"), "{observed}");
    }
}
