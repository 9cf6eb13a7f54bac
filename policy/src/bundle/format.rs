//! The formats that bundles are written in.
//!
//! A bundle says its format in the member `format`; without it, it is of format 1.0. A later format gives a meaning to
//! what format 1.0 keeps as it is: condition keys such as `~path`, `#recipients` and `paths[any]`, which in format 1.0
//! are fields of those names, and members such as `timezone`, `not_before` and `approvers`, which in format 1.0 mean
//! nothing. A program that does not know a format therefore refuses it by name, and never reads it as another one.
//!
//! Of format 1.1 this version reads the [terms of approvals](super::approval_terms). Everything else that is new in 1.1
//! is named here, and a fault where it stands: it is never read as what format 1.0 would take it for.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// The format of a bundle. Later formats are greater.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
pub enum Format {
    /// The format of a bundle that does not say one.
    #[default]
    #[serde(rename = "1.0")]
    #[strum(serialize = "1.0")]
    V1_0,
    /// The format with terms of approvals.
    #[serde(rename = "1.1")]
    #[strum(serialize = "1.1")]
    V1_1,
}

/// Members of a bundle that format 1.1 has and this version does not read yet.
pub const UNREAD_IN_BUNDLES: [&str; 1] = ["timezone"];
/// Members of a rule that format 1.1 has and this version does not read yet.
pub const UNREAD_IN_RULES: [&str; 2] = ["not_before", "expires_at"];
/// The type of declared fields that format 1.1 has and this version does not read yet.
pub const UNREAD_TYPE: &str = "array";

/// What to do about a part of format 1.1 that this version does not read yet.
pub const UNREAD_ADVICE: &str = "Leave it out until there is a version that reads it.";

/// Reads the member `format` of a bundle; null counts as absent.
///
/// # Errors
/// What is wrong with it, to follow its name in a sentence. A format that is not known is named.
pub fn read(format: &Value) -> Result<Option<Format>, String> {
    match format {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| {
            let known = Format::VARIANTS.join(" and ");
            format!("is `{text}`, a format that this version does not know: it reads bundles of format {known}")
        }),
        _ => Err(format!("must be a string such as \"{}\"", Format::V1_0)),
    }
}

/// What a part of format 1.1 that this version does not read yet is told as.
pub fn unread(what: &str) -> String {
    format!("{what} belongs to format 1.1, and this version does not read it yet.")
}

/// The notation in a condition's key that format 1.1 has and this version does not read yet, in words.
pub fn unread_notation(key: &str) -> Option<&'static str> {
    /// Signs of the operators that may stand before such a notation.
    const SIGNS: [char; 6] = ['<', '>', '=', '!', '^', '?'];
    let key = key.trim();
    let operand = key.trim_start_matches(SIGNS).trim_start();
    if operand.starts_with('~') || key.ends_with('~') {
        Some("a text pattern (`~`)")
    } else if operand.starts_with("$=") || key.ends_with("$=") {
        Some("a text's end (`$=`)")
    } else if operand.starts_with('#') {
        Some("a count (`#`)")
    } else if ["[any]", "[all]"].iter().any(|quantifier| operand.to_ascii_lowercase().contains(quantifier)) {
        Some("elements of an array (`[any]`, `[all]`)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_yet_is_recognised_behind_every_operator() {
        for key in [
            "~path",
            "!~path",
            "$=path",
            "path$=",
            "path~",
            "=~path",
            " ~path",
            "#recipients",
            "<=#recipients",
            ">= #recipients",
            "?#recipients",
            "paths[any]",
            "^=paths[all]",
            "!=recipients[any].domain",
            "paths[Any]",
        ] {
            assert!(unread_notation(key).is_some(), "{key}");
        }
        for key in ["path", ">=risk_score", "a~b", "a.#b", "price$", "paths[0]", "?x", "==c#", ""] {
            assert_eq!(unread_notation(key), None, "{key}");
        }
    }

    #[test]
    fn formats_are_known_by_name() {
        for (text, format) in [("1.0", Format::V1_0), ("1.1", Format::V1_1)] {
            assert_eq!(read(&text.into()), Ok(Some(format)));
            assert_eq!(serde_json::to_value(format).unwrap(), text);
        }
        assert_eq!(read(&Value::Null), Ok(None));
        assert!(read(&"2.0".into()).unwrap_err().contains("`2.0`"));
        assert!(Format::V1_0 < Format::V1_1);
    }
}
