//! What people had to decide at run time.

use leptos::prelude::*;
use lifecycle::kpi::approvals::{ApprovalKpi, RuleApprovals};

use super::labels;
use crate::{
    components::{Column, Head, Panel, Table, format},
    filter::address::escape,
    labels::outside,
};

/// The table of rules that held calls for approval.
#[component]
pub(super) fn Approvals(kpi: ApprovalKpi) -> impl IntoView {
    let forecast =
        kpi.forecast_per_day.map_or_else(String::new, |number| format!("; its packet forecast {}", a_day(number)));
    let note = format!("{} asked{forecast}", a_day(kpi.asked_per_day));
    let rows = kpi.rules.into_iter().map(|rule| view! { <Row rule=rule /> });
    view! {
        <Panel title="Approvals of agents' calls" note=note>
            <Table label="Approvals by rule">
                <Head columns=&[
                    Column::Text("Rule"),
                    Column::Number("Asked"),
                    Column::Number("Approved"),
                    Column::Number("Denied"),
                    Column::Number("Expired"),
                    Column::Number("Half within"),
                    Column::Number("95 % within"),
                ] />
                <tbody>{rows.collect_view()}</tbody>
            </Table>
        </Panel>
    }
}

#[component]
fn Row(rule: RuleApprovals) -> impl IntoView {
    let count = |number: i64| format::count(number.unsigned_abs());
    let href = format!("/approvals?rule={}", escape(&rule.rule));
    view! {
        <tr>
            <td class="breaks">
                <a class="mono" href=href>
                    {outside(&rule.rule)}
                </a>
                {rule
                    .is_never_denied()
                    .then(|| view! { <span class="faint">" Nobody ever denies it: could the policy allow it?"</span> })}
            </td>
            <td class="num">{count(rule.asked)}</td>
            <td class="num">{count(rule.approved)}</td>
            <td class="num">{count(rule.denied)}</td>
            <td class="num">{count(rule.expired)}</td>
            <td class="num">{labels::time(rule.median_seconds)}</td>
            <td class="num">{labels::time(rule.p95_seconds)}</td>
        </tr>
    }
}

/// A number of calls a day, with tenths below ten.
fn a_day(number: f64) -> String {
    if number < 10.0 { format!("{number:.1} a day") } else { format!("{number:.0} a day") }
}
