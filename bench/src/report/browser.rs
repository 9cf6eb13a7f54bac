//! Times measured in a browser.

use super::labels::{thousands, time};
use crate::browser::Browser;

/// The sentences.
pub fn section(browser: &Browser) -> String {
    let Some(keystroke) = &browser.keystroke_ms else { return String::new() };
    let ms = |value: f64| time(value * 1e6);
    let label = |value: Option<f64>| value.map_or("not measured".to_owned(), ms);
    format!(
        "\n## In the browser\n\nFrom a key pressed in the editor to lint, semantic diff and the simulation of {} decisions, {} \
         rules: median {}, 95th percentile {}. The longest task that kept the page from answering: {}. Replay of 1,000,000 \
         decisions: {}. Measured on {}.\n",
        thousands(browser.decisions as f64),
        thousands(browser.rules as f64),
        ms(keystroke.median),
        ms(keystroke.p95),
        label(browser.longest_task_ms),
        label(browser.replay_1m_ms),
        browser.machine,
    )
}
