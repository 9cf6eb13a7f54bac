//! Gates of the rollout and approvals of reviews.

use leptos::prelude::*;
use lifecycle::settings::Settings;

use super::Refusal;
use crate::{
    api::workspace::SaveSettings,
    components::{Button, ButtonKind, TextInput},
};

/// A share as typed in percent, without the noise of binary fractions: `0.3` → `30`.
pub(super) fn in_percent(share: f64) -> String {
    trimmed((share * 1e6).round() / 1e4)
}

/// Seconds as typed in hours: `5400` → `1.5`.
#[expect(clippy::cast_precision_loss, reason = "a stage lasts at most a year")]
fn in_hours(seconds: u64) -> String {
    trimmed((seconds as f64 / 3600.0 * 1e4).round() / 1e4)
}

fn trimmed(number: f64) -> String {
    format!("{number}")
}

/// The form; for those who may not change it, the same form to read.
#[component]
pub(super) fn Rules(settings: Settings, editable: bool, action: ServerAction<SaveSettings>) -> impl IntoView {
    let Settings { gates, review, .. } = settings;
    let locked = Signal::stored(!editable);
    view! {
        <ActionForm action=action>
            <div class="stack">
                {(!editable)
                    .then(|| view! { <p class="muted">"Administrators may change these. You see what is in force."</p> })}
                <Refusal action=action />
                <div class="grid-2">
                    <fieldset class="group">
                        <legend>"Gates of the rollout"</legend>
                        <p class="faint">"A canary gets more traffic only when all of these hold. A value equal to its limit passes."</p>
                        <div class="group-fields">
                            <Number
                                label="Fewest decisions in the stage"
                                name="min_sample_size"
                                min="0"
                                initial=gates.min_sample_size.to_string()
                                locked=locked
                            />
                            <Number
                                label="Highest error rate, %"
                                name="max_error_percent"
                                min="0"
                                any=true
                                initial=in_percent(gates.max_error_rate)
                                locked=locked
                            />
                            <Number
                                label="Highest deny rate, %"
                                name="max_deny_percent"
                                min="0"
                                any=true
                                initial=in_percent(gates.max_deny_rate)
                                locked=locked
                            />
                            <Number
                                label="Highest increase of average cost, %"
                                name="max_cost_percent"
                                min="0"
                                any=true
                                initial=in_percent(gates.max_cost_increase)
                                locked=locked
                            />
                            <Number
                                label="Least time in a stage, hours"
                                name="min_stage_hours"
                                min="0"
                                any=true
                                initial=in_hours(gates.min_stage_seconds)
                                locked=locked
                            />
                        </div>
                    </fieldset>
                    <fieldset class="group">
                        <legend>"Approvals"</legend>
                        <p class="faint">"How many people other than the authors must sign a packet, and how long that counts."</p>
                        <div class="group-fields">
                            <Number
                                label="Approvals of an ordinary packet"
                                name="approvals"
                                min="1"
                                initial=review.approvals.to_string()
                                locked=locked
                            />
                            <TextInput
                                label="Approvals of a risky packet"
                                name="approvals_high_risk"
                                kind="number"
                                min="1"
                                required=true
                                initial=review.approvals_high_risk.to_string()
                                hint="Risky: a high score, or anything newly allowed. One must be a safety owner's."
                                disabled=locked
                            />
                            <Number
                                label="An approval counts for, hours"
                                name="approval_hours"
                                min="1"
                                initial=review.approval_hours.to_string()
                                locked=locked
                            />
                        </div>
                    </fieldset>
                </div>
                {editable
                    .then(|| {
                        view! {
                            <div class="form-foot">
                                <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
                                    "Save settings"
                                </Button>
                                <span class="faint">"Counts for everything that happens from now on; it is recorded in the audit trail."</span>
                            </div>
                        }
                    })}
            </div>
        </ActionForm>
    }
}

/// A number that must be given.
#[component]
pub(super) fn Number(
    label: &'static str,
    name: &'static str,
    min: &'static str,
    initial: String,
    locked: Signal<bool>,
    /// Fractions are fine.
    #[prop(optional)]
    any: bool,
) -> impl IntoView {
    // Whole numbers are what the browser asks for without being told.
    let step = if any { "any" } else { "1" };
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
    fn settings_stand_in_the_form_as_people_write_them() {
        assert_eq!(in_percent(0.05), "5");
        assert_eq!(in_percent(0.3), "30");
        assert_eq!(in_percent(0.125), "12.5");
        assert_eq!(in_hours(86_400), "24");
        assert_eq!(in_hours(5), "0.0014");
    }
}
