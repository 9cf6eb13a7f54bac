//! One alert: its key figure with a chart, the explanation, and the playbook.

use leptos::prelude::*;

use super::labels::Alarm;
use crate::{
    components::{Chip, LinkButton, Sparkline, Tone},
    frame::emergency::{DIALOG, Emergency},
};

const fn tone(raised: bool) -> Tone {
    if raised { Tone::Bad } else { Tone::Good }
}

/// A chip that says whether an alert is raised.
#[component]
fn Raised(raised: bool) -> impl IntoView {
    view! {
        <Chip tone=tone(raised) sign=if raised { "!" } else { "✓" }>
            {if raised { "alert" } else { "quiet" }}
        </Chip>
    }
}

/// An alert as a tile for Home, which links to the KPIs page.
#[component]
pub fn AlarmTile(
    /// The alert.
    alarm: Alarm,
) -> impl IntoView {
    view! {
        <a class="panel kpi-tile" href="/kpis">
            <span class="kpi-head">
                <strong>{alarm.title}</strong>
                <Raised raised=alarm.raised />
            </span>
            <span class="figure">{alarm.value}</span>
            <span class="faint">{alarm.limit}</span>
        </a>
    }
}

/// An alert in full. The playbook is open while the alert is raised.
#[component]
pub(super) fn AlarmPanel(alarm: Alarm, may_pause: bool) -> impl IntoView {
    let raised = alarm.raised;
    // The link alone opens the dialog only once: following it again does not change the address.
    let emergency = use_context::<Emergency>();
    let open = move |_: leptos::ev::MouseEvent| {
        if let Some(emergency) = emergency {
            emergency.open_for(alarm.trigger);
        }
    };
    let label = format!("{} over the last 30 days, now {}", alarm.title, alarm.value);
    view! {
        <section class="panel kpi-alarm" aria-label=alarm.title>
            <header class="kpi-head">
                <h2>{alarm.title}</h2>
                <Raised raised=raised />
            </header>
            <p class="figure">{alarm.value}</p>
            <p class="faint">{alarm.limit}</p>
            <Sparkline points=alarm.points threshold=alarm.threshold tone=tone(raised) label=label />
            <p class="muted">{alarm.why}</p>
            <details open=raised>
                <summary>{alarm.playbook}</summary>
                <ol class="kpi-steps">{alarm.steps.iter().map(|step| view! { <li>{*step}</li> }).collect_view()}</ol>
                <p class="faint">"The alert is over when:"</p>
                <ul class="kpi-steps">{alarm.over.iter().map(|line| view! { <li>{*line}</li> }).collect_view()}</ul>
                <div class="row">
                    {may_pause
                        .then(|| {
                            view! {
                                <LinkButton href=format!("#{DIALOG}") small=true on_click=open>
                                    "Engage a pause"
                                </LinkButton>
                            }
                        })}
                    <LinkButton href="/audit?event=rolled_back" small=true>
                        "Rollbacks in the audit trail"
                    </LinkButton>
                </div>
            </details>
        </section>
    }
}
