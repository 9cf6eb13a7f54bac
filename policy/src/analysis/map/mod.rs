//! A picture of the decision space: the answers of a bundle over two fields of one agent and action, with all other
//! fields held fixed and with exact edges.
//!
//! Each field is cut where the result of some condition changes, so that all inputs of a cell get the same answer and
//! one evaluation settles the cell. Columns and rows with equal answers are then merged into one band.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Meter,
    outcome::Outcome,
    phrases::phrases,
    slices::pairs,
    space::{Axis, Domain, SlotKind, SlotSet, Space, context},
};
use crate::{
    bundle::{
        Bundle, Rule, Scalar, Schema, Test,
        schema::{AgentSchema, FieldType},
    },
    engine::{Prepared, Question},
};

/// Maximum number of evaluations for one picture.
pub const MOST_CELLS: usize = 40_000;

/// Work units that listing agents and actions may spend.
const SCOPES_BUDGET: u64 = 200_000;

/// A bundle with its prepared form.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The bundle.
    pub bundle: &'a Bundle,
    /// The bundle, prepared for evaluation.
    pub prepared: &'a Prepared,
}

/// The picture to draw.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The agent.
    pub agent: &'a str,
    /// The action.
    pub action: &'a str,
    /// The field from left to right.
    pub x: &'a str,
    /// The field from bottom to top.
    pub y: &'a str,
    /// All other facts.
    pub fixed: &'a Map<String, Value>,
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMap {
    /// Both axes are the same field, or one lies inside the other.
    #[error("the two fields must be different, and neither part of the other")]
    SameField,
    /// No rule for this agent and action tests one of the fields.
    #[error("no rule for this agent and action looks at one of these fields")]
    NotAsked,
    /// The schema admits no value of one of the fields.
    #[error("the schema admits no value of one of these fields")]
    NoValue,
    /// The picture would have more than [`MOST_CELLS`] cells.
    #[error("these two fields have too many thresholds to be drawn together; choose another field")]
    TooFine,
}

/// Values of one field that have equal answers throughout.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// The values in words: `85 to 89`, `phishing or malware`.
    pub words: String,
    /// One of the values; `None` for the absent field.
    pub sample: Option<Value>,
    slots: SlotSet,
}

/// The answer in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// The outcome under the bundle.
    pub outcome: Outcome,
    /// The rule that decides; `None` for the default and outside the schema.
    pub rule: Option<String>,
    /// The outcome under stable; `None` without a stable bundle.
    pub before: Option<Outcome>,
}

impl Area {
    /// Whether stable answers differently.
    pub fn changed(&self) -> bool {
        self.before.is_some_and(|before| before != self.outcome)
    }
}

/// The picture: columns from left to right, rows from bottom to top.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyMap {
    /// Bands of the field from left to right.
    pub columns: Vec<Band>,
    /// Bands of the field from bottom to top.
    pub rows: Vec<Band>,
    /// Row by row from the bottom, each row from left to right.
    pub areas: Vec<Area>,
    // INVARIANT: exactly two axes; `x_axis` is the one that runs from left to right.
    space: Space,
    x_axis: usize,
}

impl PolicyMap {
    /// The area at a column and a row.
    pub fn area(&self, column: usize, row: usize) -> Option<&Area> {
        (column < self.columns.len()).then(|| self.areas.get(row * self.columns.len() + column)).flatten()
    }

    /// The column and the row of an input; `None` when the input has a value that is not drawn.
    pub fn locate(&self, context: &Map<String, Value>) -> Option<(usize, usize)> {
        let cell = |column: &Band, row: &Band| {
            let (x, y) = (column.slots.clone(), row.slots.clone());
            if self.x_axis == 0 { vec![x, y] } else { vec![y, x] }
        };
        self.columns.iter().enumerate().find_map(|(at, column)| {
            let row = self.rows.iter().position(|row| self.space.contains(&cell(column, row), context))?;
            Some((at, row))
        })
    }
}

/// The agents and actions worth a picture: one pair per class that rules or schemas name, with stand-ins for wildcards.
pub fn scopes(bundle: &Bundle) -> Vec<(String, String)> {
    let rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    let schemas: Vec<&Schema> = bundle.schema.iter().collect();
    let mut meter = Meter::new(SCOPES_BUDGET, SCOPES_BUDGET);
    let all = pairs(&rules, &schemas, |_| true, &mut meter).map(|(pairs, _)| pairs).unwrap_or_default();
    // A pair that no rule addresses has nothing to show.
    let mut named: Vec<_> = all.into_iter().filter(|pair| !pair.rules.is_empty()).collect();
    named.sort_by_key(|pair| (!pair.agent_named, !pair.action_named));
    named.into_iter().map(|pair| (pair.agent.to_string(), pair.action.to_string())).collect()
}

/// The fields that the rules for an agent and an action test, the most tested first.
pub fn fields(bundle: &Bundle, agent: &str, action: &str) -> Vec<String> {
    let mut tested: BTreeMap<&str, usize> = BTreeMap::new();
    for condition in addressed(bundle, agent, action).flat_map(|rule| &rule.conditions) {
        *tested.entry(&condition.field).or_default() += 1;
    }
    let mut fields: Vec<(&str, usize)> = tested.into_iter().collect();
    fields.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    fields.into_iter().map(|(field, _)| field.to_owned()).collect()
}

/// Draws `view` of `draft`, and where `stable` answers differently.
///
/// # Errors
/// [`NoMap`] says why the two fields cannot be drawn together.
pub fn map(draft: Side<'_>, stable: Option<Side<'_>>, view: View<'_>) -> Result<PolicyMap, NoMap> {
    let View { agent, action, x, y, .. } = view;
    let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    if x == y || inside(x, y) || inside(y, x) {
        return Err(NoMap::SameField);
    }
    let bundles = || [Some(draft.bundle), stable.map(|stable| stable.bundle)].into_iter().flatten();
    let rules: Vec<Rule> =
        bundles().flat_map(|bundle| addressed(bundle, agent, action)).map(|rule| about(rule, [x, y])).collect();
    // Refuse a field that only the schema mentions, although it would have an axis.
    if ![x, y].iter().all(|field| rules.iter().any(|rule| rule.conditions.iter().any(|c| c.field == **field))) {
        return Err(NoMap::NotAsked);
    }
    let declared: Vec<Option<AgentSchema>> = bundles().map(|bundle| enforced(bundle, agent, [x, y])).collect();
    let both: Vec<&AgentSchema> = declared.iter().flatten().collect();
    let same = declared.iter().all(|one| Some(one) == declared.first());
    let domain = match both.first() {
        None => Domain::Open,
        Some(first) if same => Domain::Inside(first),
        Some(_) => Domain::CutBy(&both),
    };
    let space = Space::new(&rules, domain).ok_or(NoMap::NoValue)?;
    let x_axis = space.axes.iter().position(|axis| axis.field == x).ok_or(NoMap::NotAsked)?;
    let (Some(across), Some(up)) = (space.axes.get(x_axis), space.axes.get(1 - x_axis)) else {
        return Err(NoMap::NotAsked);
    };
    let (columns, rows) = (drawn(across, &rules, &both), drawn(up, &rules, &both));
    if columns.len() * rows.len() > MOST_CELLS {
        return Err(NoMap::TooFine);
    }
    let mut grid: Vec<Vec<Area>> = Vec::with_capacity(rows.len());
    for row in &rows {
        let cells = columns.iter().map(|column| {
            let context = at(view.fixed, [(across, *column), (up, *row)]);
            let question = Question { agent, action, context: &context };
            let (outcome, rule) = answer(draft.prepared, question);
            let before = stable.map(|stable| answer(stable.prepared, question).0);
            Area { outcome, rule, before }
        });
        grid.push(cells.collect());
    }
    let column_bands = bands(across, &columns, |at| grid.iter().filter_map(|row| row.get(at)).collect());
    let row_bands = bands(up, &rows, |at| grid.get(at).into_iter().flatten().collect());
    let areas = row_bands
        .iter()
        .flat_map(|(row, _)| column_bands.iter().map(move |(column, _)| (*row, *column)))
        .filter_map(|(row, column)| grid.get(row)?.get(column).cloned())
        .collect();
    let describe = |bands: Vec<(usize, SlotSet)>, axis: usize| {
        bands.into_iter().filter_map(|(_, slots)| band(&space, axis, slots)).collect::<Vec<_>>()
    };
    let (columns, rows) = (describe(column_bands, x_axis), describe(row_bands, 1 - x_axis));
    Ok(PolicyMap { columns, rows, areas, x_axis, space })
}

fn addressed<'a>(bundle: &'a Bundle, agent: &str, action: &str) -> impl Iterator<Item = &'a Rule> {
    let speaks = move |rule: &&Rule| rule.enabled && rule.agent.matches(agent) && rule.action.matches(action);
    bundle.rules.iter().filter(speaks)
}

/// The rule with only its conditions on these fields.
fn about(rule: &Rule, fields: [&str; 2]) -> Rule {
    let mut rule = rule.clone();
    rule.conditions.retain(|condition| fields.contains(&condition.field.as_str()));
    rule
}

/// The enforced declarations for these fields of the agent.
fn enforced(bundle: &Bundle, agent: &str, fields: [&str; 2]) -> Option<AgentSchema> {
    let schema = bundle.schema.as_ref().filter(|schema| schema.enforce)?;
    let mut declared = schema.agents.get(agent)?.clone();
    declared.fields.retain(|field, _| fields.contains(&field.as_str()));
    (!declared.fields.is_empty()).then_some(declared)
}

/// The slots of an axis worth drawing: the absent field, and values of the types that rules compare the field with.
/// Values of another type are errors in every rule that tests the field, and would only shrink the picture.
fn drawn(axis: &Axis, rules: &[Rule], declared: &[&AgentSchema]) -> Vec<usize> {
    let (mut numbers, mut texts, mut flags) = (false, false, false);
    let mut saw = |scalar: &Scalar| match scalar {
        Scalar::Number(_) => numbers = true,
        Scalar::String(_) => texts = true,
        Scalar::Bool(_) => flags = true,
    };
    let conditions = rules.iter().flat_map(|rule| &rule.conditions).filter(|condition| condition.field == axis.field);
    for condition in conditions {
        match &condition.test {
            Test::AtLeast(limit) | Test::AtMost(limit) | Test::Above(limit) | Test::Below(limit) => {
                saw(&Scalar::Number(*limit));
            }
            Test::In(list) | Test::NotIn(list) => list.iter().for_each(&mut saw),
            Test::StartsWith(prefix) => saw(&Scalar::String(prefix.clone())),
            Test::Present(_) => {}
        }
    }
    for field in declared.iter().filter_map(|schema| schema.fields.get(&axis.field)) {
        match field.kind {
            FieldType::Integer | FieldType::Number => numbers = true,
            FieldType::String => texts = true,
            FieldType::Boolean => flags = true,
        }
    }
    if !(numbers || texts || flags) {
        flags = true; // Only presence is tested, so that any value represents all.
    }
    let wanted = |kind: &SlotKind| match kind {
        SlotKind::Missing => true,
        SlotKind::Bool(_) => flags,
        SlotKind::Point(_) | SlotKind::Between(..) => numbers,
        SlotKind::Text(_) | SlotKind::Starting(_) | SlotKind::OtherText => texts,
        SlotKind::Composite => false,
    };
    axis.slots.iter().enumerate().filter(|(_, slot)| wanted(&slot.kind)).map(|(at, _)| at).collect()
}

/// `fixed` with the fields of the given slots replaced by a value of each slot.
fn at(fixed: &Map<String, Value>, slots: [(&Axis, usize); 2]) -> Map<String, Value> {
    let mut context = fixed.clone();
    for (axis, slot) in slots {
        context::remove(&mut context, &axis.field);
        context.remove(&axis.field);
        if let Some(value) = axis.slots.get(slot).and_then(|slot| slot.sample.clone()) {
            // Where no member has the name of the first segment, a flat key leaves all other fields as they are.
            match axis.field.split_once('.') {
                Some((first, _)) if !context.contains_key(first) => drop(context.insert(axis.field.clone(), value)),
                _ => context::force(&mut context, &axis.field, value),
            }
        }
    }
    context
}

fn answer(prepared: &Prepared, question: Question<'_>) -> (Outcome, Option<String>) {
    let verdict = prepared.verdict(question);
    (Outcome::of(&verdict), verdict.rule.map(|rule| rule.id().to_owned()))
}

/// Joins slots with equal lines in the grid: neighbouring slots, and, where values have no order, any slots. Each band
/// comes with the number of one of its lines.
fn bands<'g>(axis: &Axis, drawn: &[usize], line: impl Fn(usize) -> Vec<&'g Area>) -> Vec<(usize, SlotSet)> {
    let ordered = |slot: usize| {
        axis.slots.get(slot).is_some_and(|slot| matches!(slot.kind, SlotKind::Point(_) | SlotKind::Between(..)))
    };
    let mut bands: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, slot) in drawn.iter().enumerate() {
        let missing = axis.slots.get(*slot).is_some_and(|slot| slot.kind == SlotKind::Missing);
        let last = bands.len().saturating_sub(1);
        let partner = bands.iter().enumerate().position(|(number, (other, slots))| {
            let first = slots.first().copied().unwrap_or_default();
            let apart = axis.slots.get(first).is_some_and(|slot| slot.kind == SlotKind::Missing) || missing;
            let near = if ordered(*slot) { number == last && ordered(first) } else { !ordered(first) };
            !apart && near && line(*other) == line(at)
        });
        match partner.and_then(|partner| bands.get_mut(partner)) {
            Some((_, slots)) => slots.push(*slot),
            None => bands.push((at, vec![*slot])),
        }
    }
    let count = axis.slots.len();
    bands.into_iter().map(|(at, slots)| (at, SlotSet::those(count, |slot| slots.contains(&slot)))).collect()
}

fn band(space: &Space, axis: usize, slots: SlotSet) -> Option<Band> {
    let mut cell = space.full();
    *cell.get_mut(axis)? = slots.clone();
    let field = space.axes.get(axis)?;
    let sample = slots.first().and_then(|slot| field.slots.get(slot)?.sample.clone());
    let words = if slots.count() == field.slots.len() {
        "any value".to_owned()
    } else {
        phrases(space, &cell).into_iter().find(|phrase| phrase.field == field.field)?.values
    };
    Some(Band { words, sample, slots })
}

#[cfg(test)]
mod tests;
