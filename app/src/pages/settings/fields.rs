//! Fields that several forms of the settings share.

use leptos::prelude::*;

use crate::components::TextInput;

/// A share as typed in percent, without the rounding errors of binary fractions: `0.3` → `30`.
pub(super) fn in_percent(share: f64) -> String {
    ((share * 1e6).round() / 1e4).to_string()
}

/// Seconds as typed in hours: `5400` → `1.5`.
pub(super) fn in_hours(seconds: u64) -> String {
    ((seconds as f64 / 3600.0 * 1e4).round() / 1e4).to_string()
}

/// A required number.
#[component]
pub(super) fn Number(
    label: &'static str,
    name: &'static str,
    min: &'static str,
    initial: String,
    locked: Signal<bool>,
    /// Whether fractions are allowed.
    #[prop(optional)]
    fractions: bool,
) -> impl IntoView {
    // Browsers accept only whole numbers unless the step is `any`.
    let step = if fractions { "any" } else { "1" };
    view! {
        <TextInput
            label=label
            name=name
            kind="number"
            min=min
            step=step
            required=true
            initial=initial
            disabled=locked
        />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_shown_as_people_type_them() {
        assert_eq!(in_percent(0.05), "5");
        assert_eq!(in_percent(0.3), "30");
        assert_eq!(in_percent(0.125), "12.5");
        assert_eq!(in_hours(86_400), "24");
        assert_eq!(in_hours(5), "0.0014");
    }
}
