//! When a canary is taken out without anybody asking.

use leptos::prelude::*;
use lifecycle::rollout::{WatchConfig, WatchMode};

use super::{
    Refusal,
    rules::{Number, in_percent},
};
use crate::{
    api::workspace::SaveWatch,
    components::{Button, ButtonKind, Select},
};

/// The form; for those who may not change it, the same form to read.
#[component]
pub(super) fn Watch(config: WatchConfig, editable: bool, action: ServerAction<SaveWatch>) -> impl IntoView {
    let locked = Signal::stored(!editable);
    let modes = WatchMode::ALL.map(|mode| (mode.name().to_owned(), words(mode).to_owned())).to_vec();
    view! {
        <ActionForm action=action>
            <div class="stack">
                <fieldset class="group">
                    <legend>"Automatic rollback"</legend>
                    <p class="faint">
                        "The last five minutes of a canary are looked at every few seconds. Past one of these limits stable gets all \
                         traffic back at once. Denials and decisions without a rule count only when stable has clearly fewer."
                    </p>
                    <Refusal action=action />
                    <div class="group-fields">
                        <Select
                            label="When a limit is passed"
                            name="mode"
                            options=modes
                            initial=config.mode.name()
                            disabled=locked
                        />
                    </div>
                    <div class="grid-2">
                        <div class="group-fields">
                            <Number
                                label="Decisions it takes to judge"
                                name="fewest_decisions"
                                min="1"
                                initial=config.min_sample_size.to_string()
                                locked=locked
                            />
                            <Number
                                label="Error rate above, %"
                                name="error_percent"
                                min="0"
                                any=true
                                initial=in_percent(config.max_error_rate)
                                locked=locked
                            />
                            <Number
                                label="… and so many times stable's"
                                name="times_stable"
                                min="1"
                                any=true
                                initial=config.error_rate_factor.to_string()
                                locked=locked
                            />
                        </div>
                        <div class="group-fields">
                            <Number
                                label="Deny rate above, %"
                                name="deny_percent"
                                min="0"
                                any=true
                                initial=in_percent(config.max_deny_rate)
                                locked=locked
                            />
                            <Number
                                label="Average cost above stable's by, %"
                                name="cost_percent"
                                min="0"
                                any=true
                                initial=in_percent(config.max_cost_increase)
                                locked=locked
                            />
                            <Number
                                label="Decisions without a rule above, %"
                                name="no_match_percent"
                                min="0"
                                any=true
                                initial=in_percent(config.max_no_match_rate)
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

const fn words(mode: WatchMode) -> &'static str {
    match mode {
        WatchMode::RollBack => "Roll back and open an incident",
        WatchMode::Observe => "Only write it down",
    }
}
