//! The three KPI alerts, in a row.

use leptos::prelude::*;
use lifecycle::kpi::Summary;

use crate::{
    components::LinkButton,
    pages::kpis::{alert::AlertTile, labels},
};

/// The KPI alerts.
#[component]
pub(super) fn KpiRow(summary: Summary) -> impl IntoView {
    view! {
        <section class="stack" aria-labelledby="home-kpis">
            <div class="spread">
                <h2 id="home-kpis">"KPIs"</h2>
                <LinkButton href="/kpis" small=true>
                    "All key figures"
                </LinkButton>
            </div>
            <div class="grid-3">
                {labels::alert_cards(&summary, &[]).into_iter().map(|alert| view! { <AlertTile alert=alert /> }).collect_view()}
            </div>
        </section>
    }
}
