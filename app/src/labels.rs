//! Labels for lists, roles and time spans. Pure: the current time is always a parameter, so server and browser render
//! the same text.

use lifecycle::authority::{Role, Roles};
use policy::{
    Timestamp,
    characters::{write_out, write_out_lines},
};

use crate::{error::AppError, format};

/// The time between two points, in either order: `7 h 12 min`.
pub fn span(a: Timestamp, b: Timestamp) -> String {
    format::duration(if a >= b { a.since(b) } else { b.since(a) })
}

/// A change of a share in percentage points, with its sign: `+1.2 points`.
pub fn points(share: f64) -> String {
    let points = share * 100.0;
    if points.abs() < 0.05 {
        return "no change".to_owned();
    }
    format!("{}{:.1} points", if points < 0.0 { "−" } else { "+" }, points.abs())
}

/// The cost of one decision in USD. Such amounts are small, so they have four decimals.
pub fn unit_cost(amount: f64) -> String {
    if amount >= 10.0 { format::usd(amount) } else { format!("${amount:.4}") }
}

/// Small numbers as words, for sentences.
pub fn number(n: usize) -> String {
    match n {
        1 => "one".to_owned(),
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        4 => "four".to_owned(),
        n => n.to_string(),
    }
}

/// `a, b and c`
pub fn all_of(items: impl IntoIterator<Item = impl Into<String>>) -> String {
    listed(items, "and")
}

/// `a, b or c`
pub fn any_of(items: impl IntoIterator<Item = impl Into<String>>) -> String {
    listed(items, "or")
}

fn listed(items: impl IntoIterator<Item = impl Into<String>>, word: &str) -> String {
    let items: Vec<String> = items.into_iter().map(Into::into).collect();
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
    }
}

/// The text with its first letter in upper case. An email address at the start stays as it is.
pub fn capital(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains('@')) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The label of a role.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Author => "author",
        Role::RevenueOps => "revenue ops",
        Role::Approver => "approver",
        Role::RuntimeOwner => "runtime owner",
        Role::SafetyOwner => "safety owner",
        Role::Admin => "admin",
        Role::Viewer => "viewer",
        Role::Service => "service",
    }
}

/// `author, runtime owner`
pub fn roles(roles: &Roles) -> String {
    roles.iter().map(|one| role(*one)).collect::<Vec<_>>().join(", ")
}

/// A short text from outside in a sentence or a table, such as a name, with its odd characters written out. Longer ones
/// stand in an `ExternalText`.
pub fn outside(text: &str) -> String {
    write_out(text).into_owned()
}

/// The first line of a text that is not blank; `None` if all are.
pub fn first_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(|line| write_out(line).into_owned())
}

/// A sentence without the backticks around names, for places that cannot show code in another typeface. Sentences quote
/// texts from outside, whose odd characters are written out.
pub fn unticked(text: &str) -> String {
    write_out_lines(text).replace('`', "")
}

/// The message at the field of a form that was refused: the fault alone, without the JSON pointer for programs.
pub fn form_error(error: &AppError) -> String {
    capital(&unticked(error.0.errors.first().map_or(error.detail(), |fault| fault.detail.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(all_of(["a"]), "a");
        assert_eq!(all_of(["a", "b", "c"]), "a, b and c");
        assert_eq!(any_of(["a", "b"]), "a or b");
        assert_eq!(capital("approver"), "Approver");
        assert_eq!(capital("ann@x.test signed in"), "ann@x.test signed in");
    }

    #[test]
    fn changes_have_a_sign_and_a_unit() {
        assert_eq!(points(0.012), "+1.2 points");
        assert_eq!(points(-0.25), "−25.0 points");
        assert_eq!(points(0.0001), "no change");
    }

    #[test]
    fn a_note_is_known_by_its_first_line() {
        assert_eq!(first_line("\n  Quarantine from 85 \nmore"), Some("Quarantine from 85".to_owned()));
        assert_eq!(first_line(" \n"), None);
    }
}
