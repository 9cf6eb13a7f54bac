//! The limits of automatic rollback.

use leptos::prelude::*;
use lifecycle::rollout::{WatchConfig, WatchMode};

use super::fields::{Number, in_percent};
use crate::{
    api::workspace::SaveWatch,
    components::{Button, ButtonKind, FormError, Select},
};

/// The form; read-only unless `editable`.
#[component]
pub(super) fn Watch(config: WatchConfig, editable: bool, action: ServerAction<SaveWatch>) -> impl IntoView {
    let locked = Signal::stored(!editable);
    let modes = WatchMode::ALL.map(|mode| (mode.name().to_owned(), label(mode).to_owned())).to_vec();
    view! {
        <ActionForm action=action>
            <div class="stack">
                <fieldset class="group">
                    <legend>"Automatic rollback"</legend>
                    <p class="faint">
                        "The last five minutes of a canary are looked at every few seconds. Past one of these limits stable gets all \
                         traffic back at once. Denials and decisions without a rule count only when stable has clearly fewer."
                    </p>
                    <FormError action=action />
                    <div class="group-fields">
                        <Select
                            label="When a limit is passed"
                            name="limits[mode]"
                            options=modes
                            initial=config.mode.name()
                            disabled=locked
                        />
                    </div>
                    <div class="grid-2">
                        <div class="group-fields">
                            <Number
                                label="Minimum decisions to evaluate"
                                name="limits[fewest_decisions]"
                                min="1"
                                initial=config.min_sample_size.to_string()
                                locked=locked
                            />
                            <Number
                                label="Minimum subjects"
                                name="limits[fewest_subjects]"
                                min="1"
                                initial=config.min_subjects.to_string()
                                locked=locked
                            />
                            <Number
                                label="Error rate above, %"
                                name="limits[error_percent]"
                                min="0"
                                fractions=true
                                initial=in_percent(config.max_error_rate)
                                locked=locked
                            />
                            <Number
                                label="… and at least N× stable's rate"
                                name="limits[times_stable]"
                                min="1"
                                fractions=true
                                initial=config.error_rate_factor.to_string()
                                locked=locked
                            />
                        </div>
                        <div class="group-fields">
                            <Number
                                label="Deny rate above, %"
                                name="limits[deny_percent]"
                                min="0"
                                fractions=true
                                initial=in_percent(config.max_deny_rate)
                                locked=locked
                            />
                            <Number
                                label="Average cost above stable's by, %"
                                name="limits[cost_percent]"
                                min="0"
                                fractions=true
                                initial=in_percent(config.max_cost_increase)
                                locked=locked
                            />
                            <Number
                                label="Decisions without a rule above, %"
                                name="limits[no_match_percent]"
                                min="0"
                                fractions=true
                                initial=in_percent(config.max_no_match_rate)
                                locked=locked
                            />
                            <Number
                                label="… and above stable's rate on the same requests by, points"
                                name="limits[margin_points]"
                                min="0"
                                fractions=true
                                initial=in_percent(config.paired_margin)
                                locked=locked
                            />
                        </div>
                    </div>
                </fieldset>
                {editable
                    .then(|| {
                        view! {
                            <div class="form-foot">
                                <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
                                    "Save limits"
                                </Button>
                            </div>
                        }
                    })}
            </div>
        </ActionForm>
    }
}

const fn label(mode: WatchMode) -> &'static str {
    match mode {
        WatchMode::RollBack => "Roll back and open an incident",
        WatchMode::Observe => "Only record it",
    }
}
