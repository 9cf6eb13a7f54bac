//! Names in style sheets: classes and custom properties.

use super::name::{Kind, Name};

/// The names that a style sheet defines or uses, each place once.
pub(super) fn names(path: &str, text: &str) -> Vec<Name> {
    let text = without_comments_and_strings(text);
    let mut names = Vec::new();
    let mut line = 1;
    let mut start = 0;
    for (at, mark) in text.char_indices().filter(|(_, character)| matches!(character, '{' | '}' | ';')) {
        let piece = &text[start..at];
        // Text before an opening brace is a selector, except for an at-rule such as `@layer a.b`.
        if mark == '{' && !piece.trim_start().starts_with('@') {
            add(path, piece, line, ".", Kind::Class, &mut names);
        }
        add(path, piece, line, "--", Kind::Property, &mut names);
        line += piece.matches('\n').count();
        start = at + 1;
    }
    names
}

/// Adds the names in a piece of text that begin with `prefix`.
fn add(path: &str, piece: &str, line: usize, prefix: &str, kind: Kind, names: &mut Vec<Name>) {
    let part = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    for (at, _) in piece.match_indices(prefix) {
        let name: String = piece[at + prefix.len()..].chars().take_while(|character| part(*character)).collect();
        // `.wide--open` contains no property, and `1.5em` no class.
        let inside = kind == Kind::Property && piece[..at].ends_with(part);
        if !inside && name.starts_with(char::is_alphabetic) {
            let line = line + piece[..at].matches('\n').count();
            names.push(Name { kind, text: name, path: path.to_owned(), line });
        }
    }
}

/// The text with blanks in place of comments and strings; line numbers are preserved.
fn without_comments_and_strings(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut end: Option<&str> = None;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let step = match end {
            Some(mark) if rest.starts_with(mark) => {
                end = None;
                mark.len()
            }
            Some(_) => character.len_utf8(),
            None if rest.starts_with("/*") => {
                end = Some("*/");
                2
            }
            None if character == '"' => {
                end = Some("\"");
                1
            }
            None if character == '\'' => {
                end = Some("'");
                1
            }
            None => {
                plain.push(character);
                rest = &rest[character.len_utf8()..];
                continue;
            }
        };
        plain.push(if character == '\n' { '\n' } else { ' ' });
        rest = &rest[step..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_stand_in_selectors_and_properties_anywhere() {
        let text = "@import 'a.css' layer(kit.parts);\n@layer kit.panel {\n  .rule-row:is(.open, .last) > a { margin: .5rem; --gap: 2px }\n\
                    /* .gone { --gone: 1 } */\n  .a { .b--wide & { width: calc(var(--gap-2) - 1.5em); background: url(\"x.svg\"); } }\n}\n\
                    @keyframes k { 33.3% { top: 0 } }";
        let names = names("a.css", text);
        let short: Vec<_> = names.iter().map(|name| (name.kind, name.text.as_str(), name.line)).collect();
        assert_eq!(
            short,
            [
                (Kind::Class, "rule-row", 3),
                (Kind::Class, "open", 3),
                (Kind::Class, "last", 3),
                (Kind::Property, "gap", 3),
                (Kind::Class, "a", 5),
                (Kind::Class, "b--wide", 5),
                (Kind::Property, "gap-2", 5),
            ]
        );
    }
}
