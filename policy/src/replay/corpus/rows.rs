//! Converting rows into columns and back.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Columnar, CorpusError, MAX_COLUMNS, MAX_DEPTH, MAX_ROWS, Name, Role, build::Growing};
use crate::{
    Timestamp,
    bundle::{Effect, condition::number_value},
    replay::{Case, Dataset, Outcome, OutcomeStatus, corpus::CorpusCase},
};

/// Collects cases into a [`Columnar`]. Each case is read only once, so that a million cases can be streamed through.
#[derive(Debug)]
pub struct Builder {
    source: Dataset,
    with_ids: bool,
    rows: u32,
    about: BTreeMap<Role, Growing>,
    fields: Vec<(Vec<String>, Growing)>,
    top: Node,
}

/// A key on the path to a value.
#[derive(Debug, Default)]
struct Node {
    column: Option<usize>,
    below: HashMap<String, Node>,
}

impl Builder {
    /// An empty corpus.
    pub fn new(source: Dataset) -> Self {
        let [agent, action] = [Role::Agent, Role::Action].map(|role| (role, Growing::default()));
        let about = BTreeMap::from([agent, action]);
        Self { source, with_ids: true, rows: 0, about, fields: Vec::new(), top: Node::default() }
    }

    /// Leaves out the ids of the cases, which are a third of the bytes; a row is then identified by its number.
    #[must_use]
    pub fn without_ids(mut self) -> Self {
        self.with_ids = false;
        self
    }

    /// Adds a case.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`] when there are more rows, fields or nested objects than a corpus may have. The builder
    /// must not be used after an error.
    pub fn add(&mut self, case: &Case) -> Result<(), CorpusError> {
        if self.rows as usize >= MAX_ROWS {
            return Err(CorpusError::TooLarge { name: "rows", limit: MAX_ROWS });
        }
        let row = self.rows;
        self.rows += 1;
        self.text(Role::Agent, row, &case.agent);
        self.text(Role::Action, row, &case.action);
        if self.with_ids {
            self.text(Role::CaseId, row, &case.case_id);
        }
        if let Some(expected) = case.expected_effect {
            self.text(Role::Expected, row, expected.name());
        }
        let mut path = Vec::new();
        leaves(&mut self.top, &mut self.fields, &mut path, row, &case.context)
    }

    /// Adds a recorded decision, with its answer and its outcome.
    ///
    /// # Errors
    /// See [`Self::add`].
    pub fn add_recorded(&mut self, recorded: &CorpusCase) -> Result<(), CorpusError> {
        let row = self.rows;
        self.add(&recorded.case)?;
        if let Some(at) = recorded.decided_at {
            match micros(at) {
                Some(micros) => self.value(Role::DecidedAt, row, &Value::from(micros)),
                None => self.text(Role::DecidedAt, row, &at.to_string()),
            }
        }
        if let Some(effect) = recorded.effect {
            self.text(Role::Effect, row, effect.name());
        }
        if let Some(outcome) = &recorded.outcome {
            let status = match outcome.status {
                OutcomeStatus::Ok => "ok",
                OutcomeStatus::Error => "error",
            };
            self.text(Role::Outcome, row, status);
            let numbers =
                [(Role::Cost, outcome.cost), (Role::Margin, outcome.margin_bps), (Role::Latency, outcome.latency_ms)];
            for (role, number) in numbers {
                if let Some(number) = number {
                    self.value(role, row, &number_value(number));
                }
            }
            if let Some(success) = outcome.success {
                self.value(Role::Success, row, &Value::Bool(success));
            }
            if let Some(note) = &outcome.note {
                self.text(Role::Note, row, note);
            }
        }
        Ok(())
    }

    fn text(&mut self, role: Role, row: u32, text: &str) {
        self.about.entry(role).or_default().add_text(row, text);
    }

    fn value(&mut self, role: Role, row: u32, value: &Value) {
        self.about.entry(role).or_default().add(row, value);
    }

    /// The corpus.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`] when the strings of one field exceed 4 GiB.
    pub fn finish(self) -> Result<Columnar, CorpusError> {
        let rows = self.rows as usize;
        let about = self.about.into_iter().map(|(role, growing)| (Name::About(role), growing));
        let fields = self.fields.into_iter().map(|(path, growing)| (Name::Field(path), growing));
        let mut columns = about
            .chain(fields)
            .map(|(name, growing)| {
                let column = growing
                    .finish(rows)
                    .ok_or(CorpusError::TooLarge { name: "text bytes", limit: u32::MAX as usize })?;
                Ok((name, column))
            })
            .collect::<Result<Vec<_>, CorpusError>>()?;
        columns.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Columnar { source: self.source, rows, columns })
    }
}

fn leaves(
    node: &mut Node,
    fields: &mut Vec<(Vec<String>, Growing)>,
    path: &mut Vec<String>,
    row: u32,
    map: &Map<String, Value>,
) -> Result<(), CorpusError> {
    if path.len() >= MAX_DEPTH {
        return Err(CorpusError::TooLarge { name: "nested objects", limit: MAX_DEPTH });
    }
    for (key, value) in map {
        if !node.below.contains_key(key) {
            node.below.insert(key.clone(), Node::default());
        }
        let Some(below) = node.below.get_mut(key) else { continue };
        if let Value::Object(inner) = value
            && !inner.is_empty()
        {
            path.push(key.clone());
            leaves(below, fields, path, row, inner)?;
            path.pop();
            continue;
        }
        let column = match below.column {
            Some(column) => column,
            None if fields.len() >= MAX_COLUMNS => {
                return Err(CorpusError::TooLarge { name: "fields", limit: MAX_COLUMNS });
            }
            None => {
                let path = path.iter().chain([key]).cloned().collect();
                fields.push((path, Growing::default()));
                below.column = Some(fields.len() - 1);
                fields.len() - 1
            }
        };
        if let Some((_, growing)) = fields.get_mut(column) {
            growing.add(row, value);
        }
    }
    Ok(())
}

/// Microseconds since 1970, if a double holds them exactly.
fn micros(at: Timestamp) -> Option<i64> {
    const EXACT: i64 = 1 << 53;
    let micros = i64::try_from(OffsetDateTime::from(at).unix_timestamp_nanos() / 1_000).ok()?;
    (micros.abs() < EXACT).then_some(micros)
}

/// The first and the last time.
pub type Times = (Timestamp, Timestamp);

impl Columnar {
    /// The columns of `cases`.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`]: see [`Builder::add`].
    pub fn of_cases<'a>(source: Dataset, cases: impl IntoIterator<Item = &'a Case>) -> Result<Self, CorpusError> {
        let mut builder = Builder::new(source);
        cases.into_iter().try_for_each(|case| builder.add(case))?;
        builder.finish()
    }

    /// The columns of recorded decisions.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`]: see [`Builder::add`].
    pub fn of_recorded<'a>(
        source: Dataset,
        cases: impl IntoIterator<Item = &'a CorpusCase>,
    ) -> Result<Self, CorpusError> {
        let mut builder = Builder::new(source);
        cases.into_iter().try_for_each(|case| builder.add_recorded(case))?;
        builder.finish()
    }

    fn text(&self, role: Role, row: usize) -> Option<&str> {
        let column = self.about(role)?;
        column.values.text(column.code(row))
    }

    fn number(&self, role: Role, row: usize) -> Option<f64> {
        self.about(role)?.value(row)?.as_f64()
    }

    /// The agent of a row.
    pub fn agent(&self, row: usize) -> &str {
        self.text(Role::Agent, row).unwrap_or_default()
    }

    /// The action of a row.
    pub fn action(&self, row: usize) -> &str {
        self.text(Role::Action, row).unwrap_or_default()
    }

    /// The recorded effect of a row.
    pub fn recorded_effect(&self, row: usize) -> Option<Effect> {
        self.text(Role::Effect, row)?.parse().ok()
    }

    /// When the decision of a row was answered.
    pub fn decided_at(&self, row: usize) -> Option<Timestamp> {
        match self.about(Role::DecidedAt)?.value(row)? {
            Value::String(text) => text.parse().ok(),
            value => {
                let nanos = i128::from(value.as_i64()?) * 1_000;
                OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().map(Timestamp::from)
            }
        }
    }

    /// The times of the first and the last decision.
    pub fn window(&self) -> Option<Times> {
        let times = || (0..self.rows).filter_map(|row| self.decided_at(row));
        times().min().zip(times().max())
    }

    /// One case, as it was added; an empty case past the end.
    pub fn case(&self, row: usize) -> Case {
        let mut context = Map::new();
        for (name, column) in &self.columns {
            if let Name::Field(path) = name
                && let Some(value) = column.value(row)
            {
                nest(&mut context, path, value);
            }
        }
        Case {
            case_id: self.text(Role::CaseId, row).map_or_else(|| format!("row-{row}"), str::to_owned),
            agent: self.agent(row).to_owned(),
            action: self.action(row).to_owned(),
            context,
            expected_effect: self.text(Role::Expected, row).and_then(|effect| effect.parse().ok()),
        }
    }

    /// One recorded decision, as it was added.
    pub fn recorded(&self, row: usize) -> CorpusCase {
        let status = match self.text(Role::Outcome, row) {
            Some("ok") => Some(OutcomeStatus::Ok),
            Some("error") => Some(OutcomeStatus::Error),
            _ => None,
        };
        CorpusCase {
            case: self.case(row),
            decided_at: self.decided_at(row),
            effect: self.recorded_effect(row),
            // The format has no column for the subject, because no columnar replay needs it.
            subject: None,
            outcome: status.map(|status| Outcome {
                status,
                cost: self.number(Role::Cost, row),
                margin_bps: self.number(Role::Margin, row),
                success: self.about(Role::Success).and_then(|column| column.value(row)?.as_bool()),
                latency_ms: self.number(Role::Latency, row),
                note: self.text(Role::Note, row).map(str::to_owned),
            }),
        }
    }

    /// All cases, one after the other.
    pub fn cases(&self) -> impl Iterator<Item = Case> {
        (0..self.rows).map(|row| self.case(row))
    }
}

fn nest(map: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            map.insert(last.clone(), value);
        }
        [head, rest @ ..] => {
            if let Value::Object(inner) = map.entry(head).or_insert_with(|| Value::Object(Map::new())) {
                nest(inner, rest, value);
            }
        }
    }
}
