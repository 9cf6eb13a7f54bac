//! Flags of the form `--name value`.

use std::{collections::BTreeMap, str::FromStr};

/// The arguments after the command.
#[derive(Debug, Default)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Reads pairs of `--name` and value.
    ///
    /// # Errors
    /// For anything else.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut pairs = BTreeMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("`{word}` is not a flag; write --name value"))?;
            let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
            pairs.insert(name.to_owned(), value);
        }
        Ok(Self(pairs))
    }

    /// The value of a flag as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a flag, or a default.
    ///
    /// # Errors
    /// When the value cannot be parsed.
    pub fn value<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        self.text(name).map_or(Ok(default), |text| text.parse().map_err(|_| format!("--{name} cannot be `{text}`")))
    }

    /// A list separated by commas, or a default.
    ///
    /// # Errors
    /// When an entry cannot be parsed.
    pub fn list<T: Clone>(
        &self,
        name: &str,
        default: &[T],
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, String> {
        let Some(text) = self.text(name) else { return Ok(default.to_vec()) };
        text.split(',').map(|entry| read(entry).ok_or_else(|| format!("--{name} cannot have `{entry}`"))).collect()
    }
}
