//! `If-Match`: the revision that an edit was made on, so that no edit overwrites another unseen.

use http::{HeaderMap, header};
use lifecycle::problem::Problem;

use crate::error::{ApiError, ApiResult};

/// The revision in `If-Match`, if the header is present.
///
/// # Errors
/// 422 when the header holds anything but one etag of a revision: a number between double quotes. A header that cannot be
/// read must not count as absent, because an edit without it overwrites.
pub fn if_match(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let mut given = headers.get_all(header::IF_MATCH).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let digits = first.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    let revision = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match (revision.and_then(|digits| digits.parse().ok()), given.next()) {
        (Some(revision), None) => Ok(Some(revision)),
        _ => {
            let detail =
                "`If-Match` must be the one etag that was answered with the resource, such as `\"3\"` with its quotes";
            Err(ApiError(Problem::invalid_field("", detail).with("parameter", "If-Match")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<i64>, u16> {
        let headers = values.iter().map(|value| (header::IF_MATCH, value.parse().unwrap())).collect();
        if_match(&headers).map_err(|error| error.0.status)
    }

    #[test]
    fn only_the_etag_of_one_revision_is_taken() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["\"3\""]), Ok(Some(3)));
        assert_eq!(read(&[" \"17\" "]), Ok(Some(17)));
        for garbled in ["", "3", "{}", "*", "\"\"", "\"", "\"3", "W/\"3\"", "\"-3\"", "\"+3\"", "\"3\", \"4\"", "\"x\""]
        {
            assert_eq!(read(&[garbled]), Err(422), "{garbled}");
        }
        assert_eq!(read(&["\"99999999999999999999\""]), Err(422));
        assert_eq!(read(&["\"3\"", "\"3\""]), Err(422));
    }
}
