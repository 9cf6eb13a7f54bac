//! Limits and cursors of lists. A cursor is the key of the last row, so pages stay correct while rows are added.

use lifecycle::{Page, problem::Problem};
use policy::{
    Timestamp,
    limits::{DEFAULT_PAGE, MAX_PAGE},
};

use crate::Result;

/// The number of rows on a page. Statements ask for one more, to find out whether there is another page.
pub(crate) fn limit(requested: Option<u32>) -> Result<i64> {
    match requested {
        None => Ok(i64::from(DEFAULT_PAGE)),
        Some(limit @ 1..=MAX_PAGE) => Ok(i64::from(limit)),
        Some(other) => {
            Err(Problem::invalid_field("/limit", format!("`{other}` is not a page size; it must be 1 to {MAX_PAGE}"))
                .into())
        }
    }
}

/// The number in a cursor.
pub(crate) fn number(cursor: Option<&str>) -> Result<Option<i64>> {
    cursor.map(|text| text.parse().map_err(|_| malformed(text))).transpose()
}

/// The time and number in a cursor of a list by time.
pub(crate) fn time_and_number(cursor: Option<&str>) -> Result<Option<(Timestamp, i64)>> {
    let Some(text) = cursor else { return Ok(None) };
    let (at, seq) = text.split_once('~').ok_or_else(|| malformed(text))?;
    let at = at.parse().map_err(|_| malformed(text))?;
    let seq = seq.parse().map_err(|_| malformed(text))?;
    Ok(Some((at, seq)))
}

/// A cursor that [`time_and_number`] reads.
pub(crate) fn time_cursor(at: Timestamp, seq: i64) -> String {
    format!("{at}~{seq}")
}

/// A page from up to `limit + 1` rows.
pub(crate) fn page<R, T>(
    mut rows: Vec<R>,
    limit: i64,
    cursor: impl Fn(&R) -> String,
    mut read: impl FnMut(R) -> Result<T>,
) -> Result<Page<T>> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = if more { rows.last().map(&cursor) } else { None };
    let items = rows.into_iter().map(&mut read).collect::<Result<_>>()?;
    Ok(Page { items, next_cursor })
}

fn malformed(cursor: &str) -> crate::Error {
    Problem::invalid_field("/cursor", format!("`{cursor}` is not a cursor of this list")).into()
}
