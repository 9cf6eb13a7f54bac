//! Which code counts as taking a name, on crates of a few lines.

use checks::{modules::Crate, sources::Sources, walk::graph};

/// The edges of a crate as `from > to: names`, files without folder and ending; a file is given as `name: text`.
fn edges(files: &[(&str, &str)]) -> Vec<String> {
    let paths: Vec<String> = files.iter().map(|(name, _)| format!("core/src/{name}.rs")).collect();
    let sources = Sources::of(paths.iter().map(String::as_str).zip(files.iter().map(|(_, text)| *text)));
    let graph = graph(&Crate::read(&sources, "core/src/lib.rs"));
    let short = |file: usize| {
        let path = &graph.files[file].path;
        path.trim_start_matches("core/src/").trim_end_matches(".rs").to_owned()
    };
    let names = |names: &std::collections::BTreeMap<String, usize>| names.keys().cloned().collect::<Vec<_>>().join(" ");
    let mut edges: Vec<_> = graph
        .edges
        .iter()
        .map(|((from, to), taken)| format!("{} > {}: {}", short(*from), short(*to), names(taken)))
        .collect();
    edges.sort();
    edges
}

/// The edges of a file `a` beside a file `b` with one of everything.
fn taken(text: &str) -> Vec<String> {
    let b = "pub struct Type; pub enum Kind { One } pub trait Trait {} pub fn function() {} pub const LIMIT: u8 = 1;
             pub mod inner { pub struct Deep; pub fn deep() {} }";
    edges(&[("lib", "pub mod a; pub mod b; pub mod other { pub fn function() {} }"), ("a", text), ("b", b)])
}

fn assert_taken(text: &str, expected: &str) {
    assert_eq!(taken(text), [format!("a > b: {expected}")], "{text}");
}

fn assert_nothing(text: &str) {
    assert!(taken(text).is_empty(), "{text}: {:?}", taken(text));
}

#[test]
fn imports_take_each_name_of_their_tree() {
    assert_taken("use crate::b::Type;", "Type");
    assert_taken("use super::b::{Type, Kind as Sort, inner::Deep};", "Deep Kind Type");
    assert_taken("use crate::b::Trait as _;", "Trait");
    assert_taken("use crate::{b::{function}};", "function");
    assert_taken("use crate::b::Kind::*;", "Kind");
    assert_taken("use crate::b::Kind::One;", "Kind");
}

#[test]
fn a_module_is_no_name_but_a_way_to_one() {
    assert_nothing("use crate::b;");
    assert_nothing("use crate::b::{self, inner};");
    assert_taken("use crate::b; fn f() { b::function(); }", "function");
    assert_taken("use crate::b::{self}; fn f() -> b::Type { loop {} }", "Type");
    assert_taken("use crate::b as low; fn f() { low::inner::deep(); }", "deep");
    assert_taken("use super::b as c; fn f() { c::function() }", "function");
}

#[test]
fn paths_count_wherever_they_stand() {
    assert_taken("fn f(x: crate::b::Type) {}", "Type");
    assert_taken("fn f() { super::b::function() }", "function");
    assert_taken("fn f() -> Vec<Option<crate::b::Type>> { vec![] }", "Type");
    assert_taken("fn f(x: u8) { match x { crate::b::LIMIT => {} _ => {} } }", "LIMIT");
    assert_taken("impl crate::b::Trait for u8 {}", "Trait");
    assert_taken("fn f<T: crate::b::Trait>() {}", "Trait");
    assert_taken("struct S { x: [u8; crate::b::LIMIT as usize] }", "LIMIT");
    assert_taken("fn f() { let crate::b::Kind::One = g(); }", "Kind");
    assert_taken("#[serde(default = \"crate::b::function\")] struct S;", "function");
    assert_taken("#[arg(value_parser = crate::b::function)] struct S;", "function");
}

#[test]
fn names_inside_macros_count() {
    assert_taken("fn f() { format!(\"{}\", crate::b::LIMIT); }", "LIMIT");
    assert_taken("fn f() { format!(\"{x}\", x = crate::b::LIMIT); }", "LIMIT");
    assert_taken("use crate::b::*; fn f() { view! { <div class=\"x\"><Type name=1 /></div> } }", "Type");
    assert_taken("use crate::b::*; fn f() { view! { <p>{move || function()}</p> } }", "function");
    assert_taken("use crate::b::*; fn f() { view! { <p title=function(1) /> } }", "function");
    assert_taken("use crate::b::*; fn f() { json!({ \"limit\": LIMIT }) }", "LIMIT");
    assert_taken("fn f() { json!({ \"kind\": [crate::b::Kind::One] }) }", "Kind");
    assert_taken("macro_rules! m { () => { $crate::b::function() } }", "function");
    assert_taken("use crate::b::*; fn f() { m! { @ ..function() } }", "function");
    assert_nothing("use crate::b::*; fn f() { m! { @ fn function() {} } }");
    assert_nothing("use crate::b::*; fn f() { view! { <p>{let function = 1; function(2)}</p> } }");
    // Elements, attributes, fields and methods are not names.
    assert_nothing(
        "use crate::b::*; fn f() { view! { <function function=1 on:function=x.function()>\"function()\"</function> } }",
    );
    assert_nothing(
        "use crate::b::*; fn f() { view! { <p>{x.function(1)} {y.inner.LIMIT}</p> <a href=Vec::<u8>::function() /> } }",
    );
}

#[test]
fn a_glob_takes_what_is_used_of_it() {
    assert_nothing("use crate::b::*;");
    assert_taken("use crate::b::*; fn f() { function(); }", "function");
    assert_taken("use crate::b::*; struct S(inner::Deep);", "Deep");
    assert_taken("fn f() { use crate::b::*; function(); }", "function");
    // An explicitly written name hides the one from the glob.
    assert_nothing("use crate::b::*; fn function() {} fn f() { function(); }");
    assert_nothing("use crate::b::*; use elsewhere::Type; struct S(Type);");
}

#[test]
fn a_variable_hides_an_import_for_as_long_as_it_lives() {
    for hidden in [
        "fn f(function: u8) { function; }",
        "fn f() { let function = 1; g(function); }",
        "fn f() { g(|function| function + 1); }",
        "fn f() { for function in 0..3 { g(function); } }",
        "fn f() { if let Some(function) = g() { g(function); } }",
        "fn f() { while let Some(function) = g() { g(function); } }",
        "fn f() { match g() { Some(function) if function > 1 => function, _ => 0 } }",
        "fn f() { let S { function, .. } = g(); S { function } }",
        "fn f() { fn function() {} function(); }",
        "fn f() { let function = 1; format!(\"{}\", function) }",
        "fn f() { use crate::other::function; g(function); }",
    ] {
        let edges = taken(&format!("use crate::b::*; {hidden}"));
        assert!(!edges.iter().any(|edge| edge.starts_with("a > b")), "{hidden}: {edges:?}");
    }
    for seen in [
        "fn f() { let function = function(); }",
        "fn f() { { let function = 1; } function(); }",
        "fn f() { if let Some(function) = g() {} else { function() } }",
        "fn f() { g(|function| function + 1, function()); }",
        "fn f() { for function in function() {} }",
        "fn f() { match g() { Some(function) => 1, _ => function() } }",
        "fn f() { fn g(function: u8) {} function(); }",
    ] {
        assert_taken(&format!("use crate::b::*; {seen}"), "function");
    }
}

#[test]
fn methods_fields_and_associated_names_are_no_imports() {
    assert_nothing(
        "use crate::b::*; fn f(x: X) { x.function(); x.inner; X { function: 1 }; X::function(); Self::LIMIT; }",
    );
    assert_nothing("use crate::b::*; fn f() { <X as Y>::function(); }");
    assert_taken("use crate::b::*; fn f() { Type::other(); }", "Type");
}

#[test]
fn other_crates_do_not_count() {
    assert_nothing("use b::Type; use ::b::Kind; fn f() { ::b::function(); serde::b::function(); }");
    assert_nothing("use crate::b; use ::b::Kind; fn f() { ::b::function(); }");
    // A module of the root is in scope in the root only.
    assert_eq!(edges(&[("lib", "mod b; use b::Type;"), ("b", "pub struct Type;")]), ["lib > b: Type"]);
}

#[test]
fn a_reexport_leads_to_the_file_that_defines_the_name() {
    let lib = ("lib", "pub mod a; pub mod bundle;");
    let head = ("bundle/mod", "pub mod rule; pub mod state; pub use rule::Rule; pub use self::state::State as Stage;");
    let rule = ("bundle/rule", "pub struct Rule;");
    let state = ("bundle/state", "pub enum State { Draft }");
    let with = |a: &str| edges(&[lib, head, rule, state, ("a", a)]);
    assert_eq!(with("use crate::bundle::Rule;"), ["a > bundle/rule: Rule"]);
    assert_eq!(with("use crate::bundle::Stage;"), ["a > bundle/state: State as Stage"]);
    assert_eq!(with("use crate::bundle; fn f() -> bundle::Rule { bundle::Rule::new() }"), ["a > bundle/rule: Rule"]);
    assert_eq!(with("use crate::bundle::*; fn f(s: Stage) {}"), ["a > bundle/state: State as Stage"]);
    assert!(with("").is_empty(), "declaring and passing on what lies below ties nothing");
}

#[test]
fn a_module_takes_what_it_uses_of_its_own_reexports() {
    let files = [("lib", "pub mod m;"), ("m/mod", "mod x; pub use x::X; pub struct M(X);"), ("m/x", "pub struct X;")];
    assert_eq!(edges(&files), ["m/mod > m/x: X"]);
}

#[test]
fn passing_on_what_lies_elsewhere_takes_it() {
    let files =
        [("lib", "pub mod low; pub mod high;"), ("low", "pub use crate::high::High;"), ("high", "pub struct High;")];
    assert_eq!(edges(&files), ["low > high: High"]);
}

#[test]
fn reexports_through_globs_and_in_circles_end() {
    let lib = ("lib", "pub mod a; pub mod b; pub mod c;");
    let b = ("b", "pub use crate::c::*; pub use crate::a::*;");
    let c = ("c", "pub use crate::b::*; pub struct C; pub use crate::c::C as C;");
    assert_eq!(edges(&[lib, ("a", "fn f(x: crate::b::C) {}"), b, c]), ["a > c: C"]);
    assert!(edges(&[lib, ("a", "use crate::b::*; fn f(x: Lost) {}"), b, c]).is_empty());
}

#[test]
fn a_name_can_be_a_module_and_a_function() {
    let lib = ("lib", "pub mod a; pub mod m;");
    let m = ("m/mod", "pub mod apply; pub use apply::apply;");
    let apply = ("m/apply", "pub fn apply() {} pub struct Order;");
    assert_eq!(edges(&[lib, ("a", "use crate::m::apply;"), m, apply]), ["a > m/apply: apply"]);
    assert_eq!(edges(&[lib, ("a", "use crate::m; fn f(x: m::apply::Order) {}"), m, apply]), ["a > m/apply: Order"]);
}

#[test]
fn what_a_macro_defines_belongs_to_the_module_that_is_named() {
    assert_taken("use crate::b::GeneratedProps;", "GeneratedProps");
    assert_taken("fn f() { crate::b::Generated::new(); }", "Generated");
}

#[test]
fn code_that_only_tests_compile_is_left_out() {
    assert_nothing("#[cfg(test)] mod tests { use crate::b::Type; }");
    assert_nothing("#[cfg(all(test, feature = \"ssr\"))] use crate::b::Type;");
    assert_nothing("#[test] fn f() { crate::b::function(); }");
    assert_nothing("impl X { #[cfg(test)] fn f() { crate::b::function(); } }");
    assert_nothing("fn f() { #[cfg(test)] use crate::b::Type; #[cfg(test)] fn g() { crate::b::function() } }");
    assert_taken("#[cfg(feature = \"test\")] use crate::b::Type;", "Type");
    assert_taken("#[cfg(not(test))] use crate::b::Type;", "Type");
    // The file of a module for tests need not even exist.
    assert!(edges(&[("lib", "#[cfg(test)] mod gone;")]).is_empty());
}

#[test]
fn modules_lie_where_rust_looks_for_them() {
    let b = ("b", "pub struct Type;");
    let lib =
        ("lib", "pub mod b; pub mod m; #[path = \"odd/name.rs\"] pub mod given; pub mod inline { pub mod deep; }");
    let files = [
        lib,
        b,
        ("m", "pub mod below;"),
        ("m/below", "use crate::b::Type;"),
        ("odd/name", "use crate::b::Type;"),
        ("inline/deep", "use super::super::b::Type;"),
    ];
    assert_eq!(edges(&files), ["inline/deep > b: Type", "m/below > b: Type", "odd/name > b: Type"]);
}

#[test]
fn a_module_in_braces_has_names_of_its_own() {
    assert_taken("mod part { use crate::b::Type; fn f() { super::super::b::function() } }", "Type function");
    // The names of the outer module are not in scope inside.
    assert_nothing("use crate::b; mod part { fn f() { b::function() } }");
}
