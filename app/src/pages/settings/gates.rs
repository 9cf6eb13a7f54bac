//! The gates of a rollout, and the approvals that a review needs.

use leptos::prelude::*;
use lifecycle::settings::Settings;

use super::fields::{Number, in_hours, in_percent};
use crate::{
    api::workspace::SaveSettings,
    components::{Button, ButtonKind, Checkbox, FormError, TextInput},
};

/// The form; read-only unless `editable`.
#[component]
pub(super) fn GateSettings(settings: Settings, editable: bool, action: ServerAction<SaveSettings>) -> impl IntoView {
    let Settings { gates, review, .. } = settings;
    let locked = Signal::stored(!editable);
    view! {
        <ActionForm action=action>
            <div class="stack">
                {(!editable)
                    .then(|| view! { <p class="muted">"Administrators may change these. You see what is in force."</p> })}
                <FormError action=action />
                <div class="grid-2">
                    <fieldset class="group">
                        <legend>"Gates of the rollout"</legend>
                        <p class="faint">"A canary gets more traffic only when all of these hold. A value equal to its limit passes."</p>
                        <div class="group-fields">
                            <Number
                                label="Minimum sample size"
                                name="settings[min_sample_size]"
                                min="0"
                                initial=gates.min_sample_size.to_string()
                                locked=locked
                            />
                            <Number
                                label="Minimum number of subjects"
                                name="settings[min_subjects]"
                                min="1"
                                initial=gates.min_subjects.to_string()
                                locked=locked
                            />
                            <Number
                                label="Maximum error rate, %"
                                name="settings[max_error_percent]"
                                min="0"
                                fractions=true
                                initial=in_percent(gates.max_error_rate)
                                locked=locked
                            />
                            <Number
                                label="Maximum deny rate, %"
                                name="settings[max_deny_percent]"
                                min="0"
                                fractions=true
                                initial=in_percent(gates.max_deny_rate)
                                locked=locked
                            />
                            <Checkbox
                                label="Pass a higher deny rate where stable denies as many of the same requests"
                                name="settings[deny_like_stable]"
                                initial=gates.deny_like_stable
                                disabled=locked
                            />
                            <Number
                                label="Maximum increase of average cost, %"
                                name="settings[max_cost_percent]"
                                min="0"
                                fractions=true
                                initial=in_percent(gates.max_cost_increase)
                                locked=locked
                            />
                            <Number
                                label="Cost allowance on top, USD per decision"
                                name="settings[cost_allowance]"
                                min="0"
                                fractions=true
                                initial=gates.cost_allowance.to_string()
                                locked=locked
                            />
                            <TextInput
                                label="Largest cost of a decision, USD"
                                name="settings[cost_bound]"
                                kind="number"
                                min="0"
                                step="any"
                                initial=gates.cost_bound.map(|bound| bound.to_string()).unwrap_or_default()
                                hint="Empty: ten times the largest budget of a rule."
                                disabled=locked
                            />
                            <Number
                                label="Minimum stage duration (hours)"
                                name="settings[min_stage_hours]"
                                min="0"
                                fractions=true
                                initial=in_hours(gates.min_stage_seconds)
                                locked=locked
                            />
                            <Checkbox
                                label="Require confidence: the whole interval within the limit"
                                name="settings[require_confidence]"
                                initial=gates.require_confidence
                                disabled=locked
                            />
                            <Checkbox
                                label="Promote automatically when time and gates allow it"
                                name="settings[automatic_promotion]"
                                initial=gates.automatic_promotion
                                disabled=locked
                            />
                        </div>
                    </fieldset>
                    <fieldset class="group">
                        <legend>"Reviews"</legend>
                        <p class="faint">"How many people other than the authors must sign a packet, and how long that counts."</p>
                        <div class="group-fields">
                            <Number
                                label="Approvals of an ordinary packet"
                                name="settings[approvals]"
                                min="1"
                                initial=review.approvals.to_string()
                                locked=locked
                            />
                            <TextInput
                                label="Approvals of a risky packet"
                                name="settings[approvals_high_risk]"
                                kind="number"
                                min="1"
                                required=true
                                initial=review.approvals_high_risk.to_string()
                                hint="Risky: a high score, or anything newly allowed. One must be a safety owner's."
                                disabled=locked
                            />
                            <Number
                                label="An approval counts for, hours"
                                name="settings[approval_hours]"
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
                                <span class="faint">"Applies to everything that happens from now on. The change is recorded in the audit trail."</span>
                            </div>
                        }
                    })}
            </div>
        </ActionForm>
    }
}
