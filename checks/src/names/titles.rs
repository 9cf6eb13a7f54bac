//! Titles of browser tests: the first argument of `test(…)`, `describe(…)` and `test.step(…)`.

use super::name::{Kind, Name};

/// The titles in a file.
pub(super) fn names(path: &str, text: &str) -> Vec<Name> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices('(') {
        let called = text[..at].rsplit(|character: char| !(character.is_alphanumeric() || character == '.')).next();
        let is_title = called.is_some_and(|called| matches!(called.split('.').next(), Some("test" | "describe")));
        let argument = text[at + 1..].trim_start();
        let Some(quote) = argument.chars().next().filter(|quote| is_title && matches!(quote, '"' | '\'' | '`')) else {
            continue;
        };
        if let Some(title) = argument[1..].split(quote).next() {
            let line = text[..at].matches('\n').count() + 1;
            names.push(Name { kind: Kind::Test, text: title.to_owned(), path: path.to_owned(), line });
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_first_arguments_in_any_quotes() {
        let text = "test(\"one is\", async () => {\n  await test.step(\n `two ${x}`, f);\n});\ntest.describe('three', g);\n\
                    test.use({ a: \"no\" }); retest(\"no\"); expect(\"no\");";
        let names = names("a.ts", text);
        let short: Vec<_> = names.iter().map(|name| (name.text.as_str(), name.line)).collect();
        assert_eq!(short, [("one is", 1), ("two ${x}", 2), ("three", 5)]);
    }
}
