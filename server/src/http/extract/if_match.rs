//! `If-Match`: the revision that an edit was made on, so that no edit overwrites another unseen.

use http::{HeaderMap, header};
use lifecycle::problem::Code;

use crate::error::{ApiError, ApiResult};

/// The revision in `If-Match`, if the header is present. Etags of revisions are numbers; the quotes may be missing,
/// which is easier to type, so this is more lenient than RFC 9110.
///
/// # Errors
/// 412 when the header holds anything but one etag of a revision.
pub fn if_match(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(given) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let revision = given.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse().ok());
    revision.map(Some).ok_or_else(|| {
        ApiError::new(
            Code::PreconditionFailed,
            "`If-Match` does not hold an etag that was answered here, such as `\"3\"`",
        )
    })
}
