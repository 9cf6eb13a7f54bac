//! Names in columns, read back as the types they stand for.

use lifecycle::{
    authority::{Role, Roles},
    bundle::State,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result};

/// A unit variant by its name in JSON.
pub(crate) fn read<T: DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_value(Value::from(name)).map_err(|_| Error::damaged(format!("unknown name `{name}`")))
}

pub(crate) fn state(name: &str) -> Result<State> {
    State::from_name(name).ok_or_else(|| Error::damaged(format!("bundle state `{name}`")))
}

pub(crate) fn roles(names: &[String]) -> Result<Roles> {
    names.iter().map(|name| Role::from_name(name).ok_or_else(|| Error::damaged(format!("role `{name}`")))).collect()
}

pub(crate) fn role_names(roles: &Roles) -> Vec<&'static str> {
    roles.iter().copied().map(Role::name).collect()
}
