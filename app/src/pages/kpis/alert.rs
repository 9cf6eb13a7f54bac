//! One alert: its key figure with a chart, the explanation, and the playbook.

use leptos::prelude::*;

use super::labels::AlertCard;
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
pub fn AlertTile(
    /// The alert.
    alert: AlertCard,
) -> impl IntoView {
    view! {
        <a class="panel kpi-tile" href="/kpis">
            <span class="kpi-head">
                <strong>{alert.title}</strong>
                <Raised raised=alert.raised />
            </span>
            <span class="figure">{alert.value}</span>
            <span class="faint">{alert.limit}</span>
        </a>
    }
}

/// An alert in full. The playbook is open while the alert is raised.
#[component]
pub(super) fn AlertPanel(alert: AlertCard, may_pause: bool) -> impl IntoView {
    let raised = alert.raised;
    // The link alone opens the dialog only once: following it again does not change the address.
    let emergency = use_context::<Emergency>();
    let open = move |_: leptos::ev::MouseEvent| {
        if let Some(emergency) = emergency {
            emergency.open_for(alert.trigger);
        }
    };
    let label = format!("{} over the last 30 days, now {}", alert.title, alert.value);
    view! {
        <section class="panel kpi-alert" aria-label=alert.title>
            <header class="kpi-head">
                <h2>{alert.title}</h2>
                <Raised raised=raised />
            </header>
            <p class="figure">{alert.value}</p>
            <p class="faint">{alert.limit}</p>
            <Sparkline points=alert.points threshold=alert.threshold tone=tone(raised) label=label />
            <p class="muted">{alert.why}</p>
            <details open=raised>
                <summary>{alert.playbook}</summary>
                <ol class="kpi-steps">{alert.steps.iter().map(|step| view! { <li>{*step}</li> }).collect_view()}</ol>
                <p class="faint">"The alert is over when:"</p>
                <ul class="kpi-steps">{alert.over.iter().map(|line| view! { <li>{*line}</li> }).collect_view()}</ul>
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
