//! Version numbers: the step that a draft needs, the next number, and the numbers that are refused.
//!
//! `MAJOR` for changes of schema, defaults or format, `MINOR` for added or removed rules and newly addressed agents or actions,
//! `PATCH` for changes of existing rules. A number is used only once, even if its bundle was rejected or archived, and
//! no number is skipped: the next number is the first free one of its kind after the base.

use std::{cell::OnceCell, collections::BTreeSet};

use semver::{BuildMetadata, Prerelease, Version};
use serde::{Deserialize, Serialize};
use strum::{Display, VariantArray};

use super::{
    Source,
    diff::{self, TextDiff},
};

/// The size of a step between two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Bump {
    /// `2.3.0` → `2.3.1`
    Patch,
    /// `2.3.0` → `2.4.0`
    Minor,
    /// `2.3.0` → `3.0.0`
    Major,
}

impl Bump {
    /// The version that is one step of this size after `base`.
    fn after(self, base: &Version) -> Version {
        match self {
            Self::Patch => Version::new(base.major, base.minor, base.patch.saturating_add(1)),
            Self::Minor => Version::new(base.major, base.minor.saturating_add(1), 0),
            Self::Major => Version::new(base.major.saturating_add(1), 0, 0),
        }
    }
}

/// The step that a draft needs, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The smallest sufficient step.
    pub bump: Bump,
    /// The reasons in words, the reason for the largest step first: `the default effect changes from deny to allow`.
    pub reasons: Vec<String>,
}

/// A proposed version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The next free version.
    pub version: String,
    /// The step from the base to the proposed version; `None` for a first version.
    pub bump: Option<Bump>,
    /// The reason, in a sentence.
    pub why: String,
}

/// Why a version is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The text is not a `SemVer` version.
    #[error("`{0}` is not a version: it needs three numbers like `2.4.0`")]
    Malformed(String),
    /// The number is taken.
    #[error("version {version} exists already; the next free one is {next}")]
    Reused {
        /// The number.
        version: String,
        /// The number to use instead.
        next: String,
    },
    /// The number does not come after the base.
    #[error("version {version} does not come after {base}; the next one is {next}")]
    Backwards {
        /// The number.
        version: String,
        /// The version the draft was made from.
        base: String,
        /// The number to use instead.
        next: String,
    },
    /// The number skips a number that was never used.
    #[error("version {version} skips numbers after {base}; the next one is {next}")]
    Skips {
        /// The number.
        version: String,
        /// The version the draft was made from.
        base: String,
        /// The number to use instead.
        next: String,
    },
    /// The changes need a larger step.
    #[error("version {version} is only a {bump} step after {base}, but {why}; use {next}")]
    TooSmall {
        /// The number.
        version: String,
        /// The step of the number.
        bump: Bump,
        /// The version the draft was made from.
        base: String,
        /// The reason for a larger step.
        why: String,
        /// The number to use instead.
        next: String,
    },
}

/// Reads a version: three numbers, optionally with a pre-release. Build metadata is refused, because it has no order.
///
/// # Errors
/// [`Refused::Malformed`]
pub fn parse(text: &str) -> Result<Version, Refused> {
    let malformed = || Refused::Malformed(text.to_owned());
    let version = Version::parse(text).map_err(|_| malformed())?;
    if version.build.is_empty() { Ok(version) } else { Err(malformed()) }
}

/// Compares version texts by `SemVer` order; texts that are not versions come first.
pub fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    Version::parse(a).ok().cmp(&Version::parse(b).ok()).then_with(|| a.cmp(b))
}

/// The step that turns `base` into `draft`.
pub fn need(base: &Source, draft: &Source) -> Need {
    need_of(&diff::text_diff(base, draft), base, draft)
}

fn need_of(difference: &TextDiff, base: &Source, draft: &Source) -> Need {
    let mut reasons: Vec<(Bump, String)> = difference
        .settings_changed
        .iter()
        .map(|change| {
            let why = match change.field.as_str() {
                "schema" => "the schema changes".to_owned(),
                field => {
                    let name = match field {
                        "default_effect" => "the default effect",
                        "on_error" => "the effect on errors",
                        "timezone" => "the time zone",
                        _ => "the format",
                    };
                    let text = |value: &serde_json::Value| value.as_str().unwrap_or("none").to_owned();
                    format!("{name} changes from {} to {}", text(&change.before), text(&change.after))
                }
            };
            (Bump::Major, why)
        })
        .collect();
    let count = |rules: usize, what: &str| {
        let plural = if rules == 1 { "rule is" } else { "rules are" };
        (rules > 0).then(|| (Bump::Minor, format!("{rules} {plural} {what}")))
    };
    reasons.extend(count(difference.rules_added.len(), "added"));
    reasons.extend(count(difference.rules_removed.len(), "removed"));
    for (member, what) in [("agent", "agents"), ("action", "actions")] {
        let before = names(base, member);
        let added: Vec<_> = names(draft, member).difference(&before).map(|name| format!("`{name}`")).collect();
        if !added.is_empty() {
            reasons.push((Bump::Minor, format!("it speaks about new {what}: {}", some(&added))));
        }
    }
    match difference.rules_modified.len() {
        0 => {}
        1 => reasons.push((Bump::Patch, "1 existing rule changes".to_owned())),
        many => reasons.push((Bump::Patch, format!("{many} existing rules change"))),
    }
    reasons.sort_by_key(|(bump, _)| std::cmp::Reverse(*bump));
    let bump = reasons.first().map_or(Bump::Patch, |(bump, _)| *bump);
    if reasons.is_empty() {
        reasons.push((Bump::Patch, "nothing that decides changes".to_owned()));
    }
    Need { bump, reasons: reasons.into_iter().map(|(_, reason)| reason).collect() }
}

/// The first few of `names`, as a list in words.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn names<'a>(source: &'a Source, member: &str) -> BTreeSet<&'a str> {
    source.rules.iter().filter_map(|rule| rule.get(member)?.as_str()).filter(|name| *name != "*").collect()
}

/// The next version for `draft`. `base` is the version that the draft was made from, with its content; `taken` are all
/// versions that were ever given out.
pub fn propose<S: AsRef<str>>(base: Option<(&str, &Source)>, draft: &Source, taken: &[S]) -> Proposal {
    Numbering::new(base, draft, taken).propose()
}

/// Checks a version that an author chose for `draft`.
///
/// # Errors
/// The reason why the version is refused. `Ok` carries a warning when the step is larger than needed.
pub fn check<S: AsRef<str>>(
    version: &str,
    base: Option<(&str, &Source)>,
    draft: &Source,
    taken: &[S],
) -> Result<Option<String>, Refused> {
    Numbering::new(base, draft, taken).check(version)
}

/// The version numbers that a draft can have. The step that the draft needs is computed once for all questions.
pub struct Numbering<'a> {
    base: Option<(&'a str, &'a Source)>,
    draft: &'a Source,
    taken: Taken,
    difference: Option<&'a TextDiff>,
    need: OnceCell<Need>,
}

impl<'a> Numbering<'a> {
    /// `base` is the version that the draft was made from, with its content; `taken` are all versions that were ever
    /// given out.
    pub fn new<S: AsRef<str>>(base: Option<(&'a str, &'a Source)>, draft: &'a Source, taken: &[S]) -> Self {
        Self { base, draft, taken: Taken::new(taken), difference: None, need: OnceCell::new() }
    }

    /// Uses a text diff of base and draft that the caller has already computed.
    #[must_use]
    pub fn with_difference(self, difference: Option<&'a TextDiff>) -> Self {
        Self { difference, ..self }
    }

    fn need(&self, base: &Source) -> &Need {
        self.need.get_or_init(|| match self.difference {
            Some(difference) => need_of(difference, base, self.draft),
            None => need(base, self.draft),
        })
    }

    /// The next version.
    pub fn propose(&self) -> Proposal {
        let taken = &self.taken;
        let Some((base, content)) = self.base.and_then(|(version, content)| Some((parse(version).ok()?, content)))
        else {
            let first = Version::new(1, 0, 0);
            let version = if taken.0.contains(&first) { taken.free(Bump::Minor, &taken.last()) } else { first };
            return Proposal {
                version: version.to_string(),
                bump: None,
                why: "There is no version to build on.".to_owned(),
            };
        };
        let need = self.need(content);
        let version = taken.free(need.bump, &base).to_string();
        let why = format!("A {} step after {base}: {}.", need.bump, need.reasons.join("; "));
        Proposal { version, bump: Some(need.bump), why }
    }

    /// Checks a version that an author chose.
    ///
    /// # Errors
    /// The reason why the version is refused. `Ok` carries a warning when the step is larger than needed.
    pub fn check(&self, version: &str) -> Result<Option<String>, Refused> {
        let (taken, chosen) = (&self.taken, parse(version)?);
        let next = || self.propose().version;
        if taken.0.contains(&chosen) {
            return Err(Refused::Reused { version: version.to_owned(), next: next() });
        }
        let Some((base_text, content)) = self.base else { return Ok(None) };
        let Ok(base) = parse(base_text) else { return Ok(None) };
        if chosen <= base {
            return Err(Refused::Backwards { version: version.to_owned(), base: base.to_string(), next: next() });
        }
        let core = Version { pre: Prerelease::EMPTY, build: BuildMetadata::EMPTY, ..chosen };
        let Some(bump) = Bump::VARIANTS.iter().copied().find(|bump| taken.free(*bump, &base) == core) else {
            return Err(Refused::Skips { version: version.to_owned(), base: base.to_string(), next: next() });
        };
        let need = self.need(content);
        if bump < need.bump {
            let (base, why) = (base.to_string(), need.reasons.first().cloned().unwrap_or_default());
            return Err(Refused::TooSmall { version: version.to_owned(), bump, base, why, next: next() });
        }
        Ok((bump > need.bump).then(|| {
            let enough = taken.free(need.bump, &base);
            format!(
                "{version} is a {bump} step, but a {} step ({enough}) is enough: {}.",
                need.bump,
                need.reasons.join("; ")
            )
        }))
    }
}

/// The versions in use.
struct Taken(BTreeSet<Version>);

impl Taken {
    fn new<S: AsRef<str>>(versions: &[S]) -> Self {
        Self(versions.iter().filter_map(|version| parse(version.as_ref()).ok()).collect())
    }

    fn last(&self) -> Version {
        self.0.last().cloned().unwrap_or(Version::new(0, 0, 0))
    }

    /// The first free version, going from `base` in steps of `bump`.
    fn free(&self, bump: Bump, base: &Version) -> Version {
        let mut next = bump.after(base);
        while self.0.contains(&next) {
            next = bump.after(&next);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rule(id: &str, priority: u16) -> Value {
        json!({"id": id, "agent": "inbox.triage", "action": "archive", "effect": "deny", "priority": priority})
    }

    fn source(value: Value) -> Source {
        Source::read(value).unwrap()
    }

    #[test]
    fn the_step_follows_from_the_change() {
        let base = source(json!([rule("one", 1), rule("two", 2)]));
        let mut other_agent = rule("two", 2);
        other_agent["agent"] = json!("planner.deploy");
        let cases = [
            (json!([rule("two", 2), rule("one", 1)]), Bump::Patch, "nothing that decides changes"),
            (json!([rule("one", 9), rule("two", 2)]), Bump::Patch, "1 existing rule changes"),
            (json!([rule("one", 1), rule("two", 2), rule("three", 3)]), Bump::Minor, "1 rule is added"),
            (json!([rule("one", 1)]), Bump::Minor, "1 rule is removed"),
            (json!([rule("one", 1), other_agent]), Bump::Minor, "it speaks about new agents: `planner.deploy`"),
            (
                json!({"rules": [rule("one", 1), rule("two", 2)], "default_effect": "allow"}),
                Bump::Major,
                "the default effect changes from deny to allow",
            ),
            (
                json!({"rules": [rule("one", 1), rule("two", 2)], "schema": {"agents": {}}}),
                Bump::Major,
                "the schema changes",
            ),
        ];
        for (draft, bump, reason) in cases {
            let need = need(&base, &source(draft));
            assert_eq!((need.bump, need.reasons[0].as_str()), (bump, reason));
        }
    }

    #[test]
    fn numbers_are_neither_reused_nor_skipped_nor_too_small() {
        let base = source(json!([rule("one", 1)]));
        let draft = source(json!([rule("one", 1), rule("two", 2)]));
        let taken = ["2.2.0", "2.3.0", "2.4.0"];
        let try_it = |version: &str| check(version, Some(("2.3.0", &base)), &draft, &taken);
        assert_eq!(try_it("2.5.0"), Ok(None));
        assert!(try_it("3.0.0").unwrap().unwrap().contains("a minor step (2.5.0) is enough"));
        assert!(matches!(try_it("2.4.0"), Err(Refused::Reused { next, .. }) if next == "2.5.0"));
        assert!(matches!(try_it("2.6.0"), Err(Refused::Skips { .. })));
        assert!(matches!(try_it("4.0.0"), Err(Refused::Skips { .. })));
        assert!(matches!(try_it("2.1.9"), Err(Refused::Backwards { .. })));
        assert!(matches!(try_it("2.3.1"), Err(Refused::TooSmall { bump: Bump::Patch, .. })));
        assert!(matches!(try_it("2.5"), Err(Refused::Malformed(_))));
        assert!(matches!(try_it("2.5.0+build"), Err(Refused::Malformed(_))));
        let proposal = propose(Some(("2.3.0", &base)), &draft, &taken);
        assert_eq!(proposal.version, "2.5.0");
        assert_eq!(proposal.why, "A minor step after 2.3.0: 1 rule is added.");
    }

    #[test]
    fn a_first_version_is_free() {
        let draft = source(json!([rule("one", 1)]));
        let none: [&str; 0] = [];
        assert_eq!(propose(None, &draft, &none).version, "1.0.0");
        assert_eq!(propose(None, &draft, &["1.0.0", "1.1.0"]).version, "1.2.0");
        assert_eq!(check("7.1.2", None, &draft, &none), Ok(None));
    }
}
