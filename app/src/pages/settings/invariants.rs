//! Invariants: conditions that every bundle must satisfy, no matter who writes it.

use leptos::prelude::*;
use policy::bundle::{Effect, Invariant, Operator};

use crate::{
    api::workspace::{AddInvariant, RemoveInvariant},
    components::{Button, ButtonKind, EmptyState, FormError, Select, Table, TextInput, effect_words},
};

/// The number of conditions in the form.
const ROWS: usize = 4;

/// The invariants, and for administrators the forms that add and remove them.
#[component]
pub(super) fn Invariants(
    invariants: Vec<Invariant>,
    editable: bool,
    add: ServerAction<AddInvariant>,
    remove: ServerAction<RemoveInvariant>,
) -> impl IntoView {
    let count = invariants.len();
    view! {
        <div class="stack">
            <p class="muted">
                "An invariant is proven for every input on each draft. One that breaks it cannot be submitted, and shows the \
                 input that breaks it."
            </p>
            <FormError action=remove />
            {if count == 0 {
                view! {
                    <EmptyState title="No invariants yet">
                        <p>"Write down what no bundle may ever do, such as: deletes in production are never allowed."</p>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! { <List invariants=invariants editable=editable remove=remove /> }.into_any()
            }}
            {if editable {
                view! { <Form add=add /> }.into_any()
            } else {
                view! { <p class="muted">"Administrators may change these. You see what is in force."</p> }.into_any()
            }}
        </div>
    }
}

#[component]
fn List(invariants: Vec<Invariant>, editable: bool, remove: ServerAction<RemoveInvariant>) -> impl IntoView {
    view! {
        <Table label="Invariants" cards=true>
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col">"What must hold"</th>
                    <th scope="col">"Why"</th>
                    {editable
                        .then(|| {
                            view! {
                                <th scope="col">
                                    <span class="visually-hidden">"Remove"</span>
                                </th>
                            }
                        })}
                </tr>
            </thead>
            <tbody>
                {invariants
                    .into_iter()
                    .map(|invariant| {
                        let words = match invariant.parse() {
                            Ok(statement) => statement.to_string(),
                            Err(_) => "cannot be read: remove it and write it again".to_owned(),
                        };
                        let label = format!("Remove {}", invariant.id);
                        view! {
                            <tr>
                                <th scope="row" class="mono">
                                    {crate::labels::outside(&invariant.id)}
                                </th>
                                <td>{crate::labels::outside(&words)}</td>
                                <td class="muted">{crate::labels::outside(&invariant.note)}</td>
                                {editable
                                    .then(|| {
                                        view! {
                                            <td class="num">
                                                <ActionForm action=remove>
                                                    <input type="hidden" name="id" value=invariant.id />
                                                    <Button kind=ButtonKind::Ghost small=true submit=true attr:aria-label=label>
                                                        "Remove"
                                                    </Button>
                                                </ActionForm>
                                            </td>
                                        }
                                    })}
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </Table>
    }
}

/// The choices of a demand: `never allow`, …
fn demands() -> Vec<(String, String)> {
    ["never", "always"]
        .into_iter()
        .flat_map(|how| {
            [Effect::Allow, Effect::NeedsApproval, Effect::Deny]
                .map(|effect| (format!("{how} {}", effect.name()), format!("is {how}: {}", effect_words(effect))))
        })
        .collect()
}

#[component]
fn Form(add: ServerAction<AddInvariant>) -> impl IntoView {
    view! {
        <ActionForm action=add>
            <fieldset class="group">
                <legend>"New invariant"</legend>
                <FormError action=add />
                <div class="group-fields">
                    <TextInput
                        label="Name"
                        name="invariant[id]"
                        id="invariant-id"
                        required=true
                        placeholder="no-quarantine-at-low-risk"
                    />
                    <TextInput label="Agent" name="invariant[agent]" id="invariant-agent" required=true placeholder="inbox.triage" hint="A name, inbox.* or *" />
                    <TextInput label="Action" name="invariant[action]" id="invariant-action" required=true placeholder="quarantine" hint="A name or *" />
                    <Select label="Demand" name="invariant[demand]" id="invariant-demand" options=demands() />
                    <TextInput label="Why" name="invariant[note]" id="invariant-note" hint="For people who meet it in their draft" />
                </div>
                <p class="faint">"When all of these hold; none means always. Several values are separated by commas."</p>
                <div class="condition-form">
                    {(1..=ROWS).map(|row| view! { <Row row=row /> }).collect_view()}
                </div>
                <div class="form-foot">
                    <Button kind=ButtonKind::Primary submit=true pending=add.pending()>
                        "Add invariant"
                    </Button>
                </div>
            </fieldset>
        </ActionForm>
    }
}

#[component]
fn Row(row: usize) -> impl IntoView {
    let operators = Operator::ALL.map(|operator| (operator.prefix().to_owned(), operator.words().to_owned())).into();
    view! {
        <div class="condition-form-row">
            <TextInput
                label=format!("Field {row}")
                name="invariant[fields][]"
                id=format!("invariant-field-{row}")
                placeholder="risk_score"
            />
            <Select
                label=format!("Operator {row}")
                name="invariant[operators][]"
                id=format!("invariant-operator-{row}")
                options=operators
            />
            <TextInput label=format!("Value {row}") name="invariant[values][]" id=format!("invariant-value-{row}") placeholder="20" />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demand_is_one_an_invariant_can_make() {
        let demands = demands();
        assert_eq!(demands.len(), 6);
        assert_eq!(demands[0], ("never allow".to_owned(), "is never: allow".to_owned()));
    }
}
