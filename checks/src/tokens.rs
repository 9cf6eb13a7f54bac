//! Names among the tokens of a macro or an attribute, where they are neither expressions nor statements.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use syn::{LitStr, Path};

/// The paths among these tokens with their lines, excluding those inside brackets: `a::b`, and single identifiers that
/// can be names.
pub fn paths(tokens: &[TokenTree]) -> Vec<(Vec<String>, usize)> {
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let begins = begins_a_path(&tokens[..at]);
        at += 1;
        let TokenTree::Ident(first) = token else { continue };
        let mut path = vec![first.to_string()];
        while let [TokenTree::Punct(colon), TokenTree::Punct(_), TokenTree::Ident(next), ..] = &tokens[at..]
            && colon.as_char() == ':'
            && colon.spacing() == Spacing::Joint
        {
            path.push(next.to_string());
            at += 3;
        }
        if begins && (path.len() > 1 || stands_alone(first, tokens.get(at))) {
            paths.push((path, first.span().start().line));
        }
    }
    paths
}

/// Whether an identifier after these tokens begins a path: not after `.`, `::`, a lifetime's `'`, or `fn`.
fn begins_a_path(before: &[TokenTree]) -> bool {
    let mark = |back: usize| match before.len().checked_sub(back).map(|at| &before[at]) {
        Some(TokenTree::Punct(mark)) => Some(mark.as_char()),
        _ => None,
    };
    if matches!(before.last(), Some(TokenTree::Ident(word)) if word == "fn") {
        return false;
    }
    match (mark(2), mark(1)) {
        // A range, or the rest of a struct.
        (Some('.'), Some('.')) => true,
        (_, Some('.' | '\'')) | (Some(':'), Some(':')) => false,
        _ => true,
    }
}

/// Whether a single identifier among tokens can be a name: a type, a component or a constant, or a function that is
/// called. Other identifiers are attributes, elements and variables.
fn stands_alone(name: &Ident, next: Option<&TokenTree>) -> bool {
    name.to_string().starts_with(char::is_uppercase)
        || matches!(next, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
}

/// Paths that serde takes as strings: `with = "crate::time"`.
pub fn paths_in_strings(tokens: TokenStream) -> Vec<Path> {
    let keys =
        ["with", "default", "serialize_with", "deserialize_with", "skip_serializing_if", "from", "into", "try_from"];
    let tokens: Vec<_> = tokens.into_iter().collect();
    let pairs = tokens.windows(3).filter_map(|window| match window {
        [TokenTree::Ident(key), TokenTree::Punct(_), TokenTree::Literal(value)] => Some((key.to_string(), value)),
        _ => None,
    });
    pairs
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .filter_map(|(_, value)| syn::parse_str::<LitStr>(&value.to_string()).ok()?.parse().ok())
        .collect()
}
