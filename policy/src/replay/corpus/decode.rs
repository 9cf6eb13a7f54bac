//! Reading a corpus from the file format. Nothing in the bytes is trusted.

use serde_json::Value;
use strum::VariantArray as _;

use super::{
    Columnar, MAX_BYTES, MAX_COLUMNS, MAX_DEPTH, MAX_ROWS, Name, Role,
    build::width,
    column::{Codes, Column, FALSE, NULL, Texts, Values, is_plain},
    format::{CorpusError, DIGEST, HEAD, MAGIC, SOURCES, VERSION, digest},
};
use crate::bundle::Effect;

impl Columnar {
    /// Reads a corpus. Nothing in `bytes` is trusted; memory use stays within a small multiple of their length.
    ///
    /// # Errors
    /// [`CorpusError`] gives the reason why the bytes are not a corpus.
    pub fn decode(bytes: &[u8]) -> Result<Self, CorpusError> {
        if bytes.len() > MAX_BYTES {
            return Err(CorpusError::TooLarge { name: "bytes", limit: MAX_BYTES });
        }
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len()).ok() != Some(MAGIC.as_slice()) {
            return Err(CorpusError::NotACorpus);
        }
        let version = reader.u16()?;
        if version != VERSION {
            return Err(CorpusError::Version(version));
        }
        let source = SOURCES.get(usize::from(reader.u8()?)).copied();
        let source = source.ok_or_else(|| reader.malformed("the source is unknown"))?;
        if reader.u8()? != 0 {
            return Err(reader.malformed("a byte that must be 0 is not"));
        }
        let rows = reader.count()?;
        let columns = reader.count()?;
        if rows > MAX_ROWS {
            return Err(CorpusError::TooLarge { name: "rows", limit: MAX_ROWS });
        }
        if columns > MAX_COLUMNS + Role::VARIANTS.len() {
            return Err(CorpusError::TooLarge { name: "fields", limit: MAX_COLUMNS });
        }
        let body = u64::from_le_bytes(reader.array()?);
        let stated = reader.take(DIGEST)?;
        match (bytes.len() as u64).checked_sub((HEAD + DIGEST) as u64).map(|rest| rest.cmp(&body)) {
            Some(std::cmp::Ordering::Equal) => {}
            Some(std::cmp::Ordering::Greater) => return Err(reader.malformed("more bytes follow than the header says")),
            _ => return Err(CorpusError::Truncated(bytes.len())),
        }
        if stated != digest(bytes) {
            return Err(CorpusError::DigestMismatch);
        }
        let mut read: Vec<(Name, Column)> = Vec::new();
        for _ in 0..columns {
            let name = reader.name()?;
            if read.last().is_some_and(|(last, _)| *last >= name) {
                return Err(reader.malformed("the columns are not in order"));
            }
            let values = reader.values()?;
            let codes = reader.codes(rows, values.codes())?;
            let column = Column { values, codes };
            if let Name::About(role) = name {
                reader.check_role(role, &column, rows)?;
            }
            read.push((name, column));
        }
        if reader.at != bytes.len() {
            return Err(reader.malformed("more bytes follow than there are columns"));
        }
        let starts = [Role::Agent, Role::Action].map(Name::About);
        if starts.iter().zip(&read).filter(|(wanted, (found, _))| *wanted == found).count() != starts.len() {
            return Err(reader.malformed("agent or action is missing"));
        }
        check_nesting(&read, rows, reader.at)?;
        Ok(Self { source, rows, columns: read })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn malformed(&self, what: &'static str) -> CorpusError {
        CorpusError::Malformed { at: self.at, what }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], CorpusError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(CorpusError::Truncated(self.bytes.len()))?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CorpusError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.malformed("a number is cut"))
    }

    fn u8(&mut self) -> Result<u8, CorpusError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16, CorpusError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn count(&mut self) -> Result<usize, CorpusError> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    /// `count` little-endian values of `N` bytes each. The bytes are checked to be there before anything is allocated.
    fn list<T, const N: usize>(&mut self, count: usize, read: fn([u8; N]) -> T) -> Result<Vec<T>, CorpusError> {
        let bytes = self.take(count.saturating_mul(N))?;
        Ok(bytes.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok().map(read)).collect())
    }

    fn text(&mut self) -> Result<&'a str, CorpusError> {
        let length = self.count()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("a text is not UTF-8"))
    }

    fn name(&mut self) -> Result<Name, CorpusError> {
        let role = usize::from(self.u8()?);
        if let Some(place) = role.checked_sub(1) {
            let role =
                Role::VARIANTS.get(place).copied().ok_or_else(|| self.malformed("a column's role is unknown"))?;
            return Ok(Name::About(role));
        }
        let keys = usize::from(self.u16()?);
        if keys == 0 || keys > MAX_DEPTH {
            return Err(self.malformed("a field has no keys or too many"));
        }
        let keys = (0..keys).map(|_| self.text().map(str::to_owned)).collect::<Result<_, _>>()?;
        Ok(Name::Field(keys))
    }

    fn values(&mut self) -> Result<Values, CorpusError> {
        let [numbers, texts, rest] = [self.count()?, self.count()?, self.count()?];
        let numbers = self.list(numbers, f64::from_le_bytes)?;
        let plain = |number: &f64| number.is_finite() && !(*number == 0.0 && number.is_sign_negative());
        if !numbers.iter().all(plain) || !ascending(&numbers) {
            return Err(self.malformed("the numbers of a column are not finite, distinct and ascending"));
        }
        let ends = self.list(texts, u32::from_le_bytes)?;
        let block = self.text()?.to_owned();
        let whole = ends.last().map_or(0, |end| *end as usize) == block.len();
        if !whole || !ends.is_sorted() || !ends.iter().all(|end| block.is_char_boundary(*end as usize)) {
            return Err(self.malformed("the texts of a column do not fit their block"));
        }
        let texts = Texts { ends, block };
        if !texts.iter().is_sorted_by(|a, b| a < b) {
            return Err(self.malformed("the texts of a column are not distinct and ascending"));
        }
        let mut values: Vec<Value> = Vec::new();
        let mut before: Option<&str> = None;
        for _ in 0..rest {
            let written = self.text()?;
            let value: Value =
                serde_json::from_str(written).map_err(|_| self.malformed("a value of a column is not JSON"))?;
            let fits = match &value {
                Value::Array(_) => true,
                Value::Object(members) => members.is_empty(),
                Value::Number(number) => is_plain(number).is_none(),
                Value::Null | Value::Bool(_) | Value::String(_) => false,
            };
            let canonical = value.to_string();
            if !fits || canonical != written || before.is_some_and(|before| before >= written) {
                return Err(self.malformed("the other values of a column are not distinct, ascending and canonical"));
            }
            before = Some(written);
            values.push(value);
        }
        Ok(Values { numbers, texts, rest: values })
    }

    fn codes(&mut self, rows: usize, known: usize) -> Result<Codes, CorpusError> {
        let layout = self.u8()?;
        let codes = match layout {
            0 => {
                let present = self.count()?;
                let places = self.list(present, u32::from_le_bytes)?;
                let codes: Vec<u32> = self.list(present, u32::from_le_bytes)?;
                let inside = places.last().is_none_or(|last| (*last as usize) < rows);
                if !inside || !places.is_sorted_by(|a, b| a < b) || codes.contains(&super::column::ABSENT) {
                    return Err(self.malformed("the rows of a column are not distinct, ascending and there"));
                }
                Codes::Sparse { rows: places, codes }
            }
            1 => Codes::Narrow(self.take(rows)?.to_vec()),
            2 => Codes::Medium(self.list(rows, u16::from_le_bytes)?),
            4 => Codes::Wide(self.list(rows, u32::from_le_bytes)?),
            _ => return Err(self.malformed("a column's layout is unknown")),
        };
        let most = match &codes {
            Codes::Narrow(codes) => codes.iter().max().map(|code| u32::from(*code)),
            Codes::Medium(codes) => codes.iter().max().map(|code| u32::from(*code)),
            Codes::Wide(codes) | Codes::Sparse { codes, .. } => codes.iter().max().copied(),
        };
        if most.is_some_and(|most| most as usize >= known) {
            return Err(self.malformed("a code has no value"));
        }
        if layout != 0 && usize::from(layout) != width(known) {
            return Err(self.malformed("a column is wider or narrower than its values need"));
        }
        Ok(codes)
    }

    /// Checks that a column of this role has only the values that the role permits.
    fn check_role(&self, role: Role, column: &Column, rows: usize) -> Result<(), CorpusError> {
        let values = &column.values;
        let effects = || values.texts.iter().all(|text| text.parse::<Effect>().is_ok());
        let (texts, numbers, flags) = match role {
            Role::Agent | Role::Action => (column.present() == rows, false, false),
            Role::CaseId | Role::Note => (true, false, false),
            Role::Expected | Role::Effect => (effects(), false, false),
            Role::Outcome => (values.texts.iter().all(|text| text == "ok" || text == "error"), false, false),
            Role::DecidedAt => (values.texts.iter().all(|text| text.parse::<crate::Timestamp>().is_ok()), true, false),
            Role::Cost | Role::Margin | Role::Latency => (values.texts.is_empty(), true, false),
            Role::Success => (values.texts.is_empty(), false, true),
        };
        let mut common = [false; 2];
        column.each(0..rows, |_, code| {
            common = [common[0] | (code == NULL), common[1] | (code == FALSE || code == FALSE + 1)];
        });
        let rest = values.rest.iter().all(|value| numbers && value.is_number());
        let [nulls, booleans] = common;
        if texts && rest && (numbers || values.numbers.is_empty()) && !nulls && (flags || !booleans) {
            return Ok(());
        }
        Err(self.malformed("a column about the decisions has values that it cannot have"))
    }
}

fn ascending(numbers: &[f64]) -> bool {
    numbers.is_sorted_by(|a, b| a < b)
}

/// Checks that no row has values both at a path and below it, because no JSON object could have both.
fn check_nesting(columns: &[(Name, Column)], rows: usize, at: usize) -> Result<(), CorpusError> {
    // Maximum number of codes to visit; an honest corpus rarely has a field that is an object in one row and a value in
    // another.
    let mut allowance = 64 * MAX_ROWS;
    for (number, (name, column)) in columns.iter().enumerate() {
        let Name::Field(path) = name else { continue };
        let mut taken: Option<Vec<bool>> = None;
        // In name order, the columns below a path directly follow the column at the path.
        for (below, other) in columns.iter().skip(number + 1) {
            if !matches!(below, Name::Field(longer) if longer.starts_with(path)) {
                break;
            }
            let taken = taken.get_or_insert_with(|| {
                let mut taken = vec![false; rows];
                column.each(0..rows, |row, _| {
                    if let Some(slot) = taken.get_mut(row) {
                        *slot = true;
                    }
                });
                taken
            });
            if allowance < rows {
                return Err(CorpusError::TooLarge { name: "fields that are objects here and values there", limit: 64 });
            }
            allowance -= rows;
            let mut clash = false;
            other.each(0..rows, |row, _| clash |= taken.get(row).copied().unwrap_or_default());
            if clash {
                return Err(CorpusError::Malformed { at, what: "a field is an object and a value at once" });
            }
        }
    }
    Ok(())
}
