//! The one layout of modules, and what ARCHITECTURE.md and the head of each `lib.rs` must mention.

use std::collections::BTreeSet;

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::{
    manifests::Member,
    markdown::{blocks, spans},
    modules::Crate,
    order::PAGE,
    sources::Sources,
};

/// Modules in two places, `foo.rs` and `foo/`: a module with modules below it is `foo/mod.rs`.
pub fn split_modules(sources: &Sources) -> Vec<String> {
    let rust: Vec<&str> = sources.with_extension("rs").map(|(path, _)| path).collect();
    let folders: BTreeSet<&str> = rust.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    rust.iter()
        .filter_map(|path| Some((path, path.strip_suffix(".rs")?)))
        .filter(|(_, folder)| folders.iter().any(|other| other.strip_prefix(folder).is_some_and(is_below)))
        .map(|(path, folder)| format!("{path} has modules in {folder}/: make it {folder}/mod.rs."))
        .collect()
}

/// Whether the rest of a path, after a folder's path, is empty or a path below the folder.
fn is_below(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Modules at the top of a crate that the documentation at the head of its root does not mention as code.
pub fn unlisted_modules(of: &Crate) -> Vec<String> {
    let root = &of.files[0];
    let documentation = documentation(&root.attributes);
    let mut code: Vec<&str> = spans(&documentation);
    code.extend(blocks(&documentation).into_iter().flat_map(|block| block.code));
    let mentioned: BTreeSet<&str> = code
        .iter()
        .flat_map(|code| code.split(|character: char| !(character.is_alphanumeric() || character == '_')))
        .collect();
    let top = of.files.iter().filter_map(|file| file.module.first()).collect::<BTreeSet<_>>();
    top.into_iter()
        .filter(|module| !mentioned.contains(module.as_str()))
        .map(|module| {
            format!("{}: the text at its head does not list `{module}`. Say in a line what the module is.", root.path)
        })
        .collect()
}

/// Files of the product whose names look like those of tests.
pub fn product_called_tests(of: &Crate) -> Vec<String> {
    of.files
        .iter()
        .filter(|file| file.path.ends_with("/tests.rs") || file.path.ends_with("_tests.rs"))
        .map(|file| {
            format!(
                "{}: the name says tests, and the product compiles it. Rename it, or declare it under #[cfg(test)].",
                file.path
            )
        })
        .collect()
}

/// Crates of the workspace and folders at the top that ARCHITECTURE.md does not name in backticks.
pub fn unnamed(sources: &Sources, members: &[Member]) -> Vec<String> {
    let page = sources.text(PAGE).unwrap_or_default();
    let named: BTreeSet<&str> = spans(page).into_iter().filter_map(|span| span.split('/').next()).collect();
    let crates = members.iter().map(|member| member.name.as_str());
    let expected: BTreeSet<&str> = crates.chain(sources.top_folders()).collect();
    expected
        .into_iter()
        .filter(|name| !named.contains(name))
        .map(|name| format!("{PAGE} does not name `{name}/`. Say in a line what is in it."))
        .collect()
}

/// The doc comment among attributes.
fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_with_modules_is_a_folder_with_a_head() {
        let sources = Sources::of([
            ("a/src/one.rs", ""),
            ("a/src/one/below.rs", ""),
            ("a/src/deep.rs", ""),
            ("a/src/deep/er/below.rs", ""),
            ("a/src/good/mod.rs", ""),
            ("a/src/good/below.rs", ""),
            ("a/src/one_more.rs", ""),
            ("a/src/on.rs", ""),
        ]);
        let findings = split_modules(&sources);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("a/src/deep.rs has modules"));
        assert!(findings[1].contains("make it a/src/one/mod.rs"));
    }

    #[test]
    fn the_head_of_a_crate_lists_its_modules() {
        let lib = "//! About. It has [`one`] and more; four is only said.\n//!\n//! ```text\n//! two, three   do this\n//! ```\n\
                   mod one; mod two; mod three; mod four; #[cfg(test)] mod five;";
        let sources = Sources::of([
            ("a/src/lib.rs", lib),
            ("a/src/one.rs", "mod below;"),
            ("a/src/one/below.rs", ""),
            ("a/src/two.rs", ""),
            ("a/src/three.rs", ""),
            ("a/src/four.rs", ""),
        ]);
        let findings = unlisted_modules(&Crate::read(&sources, "a/src/lib.rs"));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains("does not list `four`"));
    }

    #[test]
    fn what_the_product_compiles_is_not_called_tests() {
        let sources = Sources::of([
            ("a/src/lib.rs", "mod boundary_tests; #[cfg(test)] mod tests; #[cfg(test)] mod more_tests;"),
            ("a/src/boundary_tests.rs", ""),
        ]);
        let findings = product_called_tests(&Crate::read(&sources, "a/src/lib.rs"));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("a/src/boundary_tests.rs:"));
    }

    #[test]
    fn the_page_names_crates_and_folders_in_backticks() {
        let sources = Sources::of([
            (PAGE, "In `app/` and `style/main.css`; docs is a word only."),
            ("app/src/lib.rs", ""),
            ("docs/a.md", ""),
            ("style/main.css", ""),
        ]);
        let member = |name: &str| Member { name: name.to_owned(), takes: BTreeSet::new() };
        let findings = unnamed(&sources, &[member("app"), member("core")]);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("`core/`") && findings[1].contains("`docs/`"));
    }
}
