//! What takes a canary out without anybody asking, in a sentence.

use leptos::prelude::*;
use lifecycle::rollout::{WatchConfig, WatchMode, gates::percent};

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
        WatchMode::Observe => "it is written down; nothing else happens",
    };
    format!(
        "Every few seconds the last five minutes are looked at. From {} decisions on, with more than {} errors and {} times \
         stable's, {} denials, {} without a rule, or an average cost more than {} above stable's, {then}.",
        config.min_sample_size,
        percent(config.max_error_rate),
        config.error_rate_factor,
        percent(config.max_deny_rate),
        percent(config.max_no_match_rate),
        percent(config.max_cost_increase),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_told_in_a_sentence() {
        let told = words(&WatchConfig::default());
        assert!(
            told.contains("50 decisions on, with more than 10 % errors and 2 times stable's, 50 % denials"),
            "{told}"
        );
        assert!(told.ends_with("stable gets all traffic back at once."), "{told}");
        let observed = words(&WatchConfig { mode: WatchMode::Observe, ..WatchConfig::default() });
        assert!(observed.ends_with("it is written down; nothing else happens."), "{observed}");
    }
}
