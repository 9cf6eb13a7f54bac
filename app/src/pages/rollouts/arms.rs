//! The two arms side by side. Both evaluate every request, so differences are counted, not sampled.

use leptos::prelude::*;
use lifecycle::{bundle::State, metrics::ArmStats, rollout::CanaryStatus};

use crate::{
    components::{Panel, Table, format},
    labels::unit_cost,
};

/// How often the two versions disagree, and what each version served.
#[component]
pub(super) fn Arms(status: CanaryStatus, stable: Option<String>) -> impl IntoView {
    let stable = stable.unwrap_or_else(|| "no stable".to_owned());
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let shadow = status.state == State::Shadow;
    let disagree = if status.compared == 0 {
        "Neither has been asked anything in this stage.".to_owned()
    } else if status.diverging == 0 {
        format!("Both gave the same answer to all {} requests of this stage.", format::count(status.compared))
    } else {
        format!(
            "{} of {} requests of this stage are answered differently ({}).",
            format::count(status.diverging),
            format::count(status.compared),
            format::percent(share(status.diverging, status.compared)),
        )
    };
    type Read = fn(&ArmStats) -> u64;
    let rows: [(&str, Read); 5] = [
        ("Allowed", |arm| arm.allow),
        ("Needs approval", |arm| arm.needs_approval),
        ("Denied", |arm| arm.deny),
        ("No match", |arm| arm.no_match),
        ("Errors", |arm| arm.errors),
    ];
    let cost = |arm: &ArmStats| arm.avg_cost.map_or_else(|| "no data".to_owned(), unit_cost);
    let cell = move |arm: &ArmStats, read: Read| {
        let n = read(arm);
        if arm.decisions == 0 {
            view! { <td class="num faint">"–"</td> }.into_any()
        } else {
            view! {
                <td class="num">
                    {format::percent(share(n, arm.decisions))} <span class="faint cell-count">{format::count(n)}</span>
                </td>
            }
            .into_any()
        }
    };
    let served = if shadow { "Answered (not served)" } else { "Served" };
    view! {
        <Panel title="Differences so far" note="both versions answer every request" flush=true>
            <p class="arms-lead">
                {disagree} " "
                {(status.diverging > 0)
                    .then(|| view! { <a href=format!("/decisions?bundle={}", status.id)>{format!("Decisions of {}", status.version)}</a> })}
            </p>
            <Table label="What each version served in this stage">
                <thead>
                    <tr>
                        <th scope="col">"In this stage"</th>
                        <th scope="col" class="num mono">
                            {stable}
                        </th>
                        <th scope="col" class="num mono">
                            {status.version.clone()}
                        </th>
                    </tr>
                </thead>
                <tbody>
                    <tr>
                        <th scope="row">{served}</th>
                        <td class="num">{format::count(status.stable.decisions)}</td>
                        <td class="num">{format::count(status.canary.decisions)}</td>
                    </tr>
                    {rows
                        .into_iter()
                        .map(|(name, read)| {
                            view! {
                                <tr>
                                    <th scope="row">{name}</th>
                                    {cell(&status.stable, read)}
                                    {cell(&status.canary, read)}
                                </tr>
                            }
                        })
                        .collect_view()}
                    <tr>
                        <th scope="row">"Average cost"</th>
                        <td class="num">{cost(&status.stable)}</td>
                        <td class="num">{cost(&status.canary)}</td>
                    </tr>
                </tbody>
            </Table>
        </Panel>
    }
}
