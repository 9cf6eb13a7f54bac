//! The query string. Every wrong parameter is answered with its name.

use std::{fmt::Display, str::FromStr};

use axum::extract::{FromRequestParts, Query};
use http::{Uri, request::Parts};
use lifecycle::problem::Problem;
use policy::{Fault, Timestamp};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The query string, in which [`check_query`](super::query::check_query) has found no parameter that is unknown, repeated or
/// empty.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::read(&parts.uri)
    }
}

impl Params {
    /// Reads the parameters of `uri`.
    ///
    /// # Errors
    /// 422 when the query string cannot be decoded.
    fn read(uri: &Uri) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| ApiError(Problem::invalid_field("", "the query string cannot be decoded")))?;
        Ok(Self { pairs })
    }

    /// The text of `name`.
    pub fn text(&self, name: &str) -> Option<String> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// `name` parsed as a `T`; `expected` describes a valid value.
    ///
    /// # Errors
    /// 422 with the name of the parameter.
    pub fn parse<T: FromStr>(&self, name: &str, expected: impl Display) -> Result<Option<T>, ApiError> {
        self.convert(name, expected, |text| text.parse().ok())
    }

    /// `name` converted by `convert`; `expected` describes a valid value.
    ///
    /// # Errors
    /// 422 with the name of the parameter and what was expected.
    pub fn convert<T>(
        &self,
        name: &str,
        expected: impl Display,
        convert: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match convert(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(wrong_parameter(name, format!("expected {expected}, found `{text}`"))),
        }
    }

    /// `name` as one of serde's names for `T`: an effect, a state, a status.
    ///
    /// # Errors
    /// 422 with the name of the parameter and the valid names.
    pub fn named<T: DeserializeOwned>(&self, name: &str, names: &str) -> Result<Option<T>, ApiError> {
        self.convert(name, names, |text| serde_json::from_value(serde_json::Value::String(text.to_owned())).ok())
    }

    /// `name` as a time. A `+` in a query string arrives as a space.
    ///
    /// # Errors
    /// 422 with the name of the parameter.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        self.convert(name, "a time such as `2026-01-31T12:00:00Z`", |text| text.replace(' ', "+").parse().ok())
    }

    /// Whether `name` is `true`.
    ///
    /// # Errors
    /// 422 when the value is neither `true` nor `false`.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let value = self.convert(name, "`true` or `false`", |text| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })?;
        Ok(value.unwrap_or(false))
    }

    /// `limit`, from 1 to the largest page.
    ///
    /// # Errors
    /// 422 when the limit is out of range.
    pub fn limit(&self) -> Result<u32, ApiError> {
        use policy::limits::{DEFAULT_PAGE, MAX_PAGE};
        let limit = self.parse::<u32>("limit", format_args!("a number from 1 to {MAX_PAGE}"))?.unwrap_or(DEFAULT_PAGE);
        if (1..=MAX_PAGE).contains(&limit) {
            Ok(limit)
        } else {
            Err(wrong_parameter("limit", format!("expected a number from 1 to {MAX_PAGE}, found `{limit}`")))
        }
    }
}

/// 422 about the query parameter `name`.
fn wrong_parameter(name: &str, detail: String) -> ApiError {
    let problem = Problem::invalid_fields(vec![Fault::new(format!("?{name}"), detail)]);
    ApiError(problem.with("parameter", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_parameter_is_named() {
        let params = Params::read(&"/x?limit=0&active_only=yes&since=&version=1%202".parse().unwrap()).unwrap();
        assert_eq!(params.limit().unwrap_err().0.status, 422);
        assert_eq!(params.flag("active_only").unwrap_err().0.extra["parameter"], "active_only");
        assert_eq!(params.time("since").unwrap_err().0.extra["parameter"], "since", "an empty value is a wrong one");
        assert_eq!(params.text("state"), None);
        assert_eq!(params.text("version").as_deref(), Some("1 2"));
    }
}
