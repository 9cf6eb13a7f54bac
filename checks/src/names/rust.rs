//! Names in Rust: those of items, fields and variants. Variables are not included.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{
    Attribute, Field, ImplItemConst, ImplItemFn, ItemConst, ItemEnum, ItemFn, ItemMacro, ItemMod, ItemStatic,
    ItemStruct, ItemTrait, ItemType, ItemUnion, Macro, TraitItemConst, TraitItemFn, TraitItemType, Variant,
    visit::{self, Visit},
};

use super::name::{Kind, Name};
use crate::modules::parse;

/// The names that a file defines.
pub(super) fn names(path: &str, text: &str) -> Vec<Name> {
    let mut collect = Collect { path, names: Vec::new() };
    collect.visit_file(&parse(path, text));
    collect.names
}

struct Collect<'a> {
    path: &'a str,
    names: Vec<Name>,
}

impl Collect<'_> {
    fn add(&mut self, kind: Kind, name: &Ident) {
        let text = name.to_string().trim_start_matches("r#").to_owned();
        self.names.push(Name { kind, text, path: self.path.to_owned(), line: name.span().start().line });
    }

    fn function(&mut self, attributes: &[Attribute], name: &Ident) {
        let test = |attribute: &Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test");
        let kind = if attributes.iter().any(test) {
            Kind::Test
        } else if name.to_string().starts_with(char::is_uppercase) {
            Kind::Type
        } else {
            Kind::Function
        };
        self.add(kind, name);
    }

    /// Items inside a macro: `fn name` and the like.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut keyword = None;
        let mut test = false;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    match keyword {
                        Some(Kind::Function) if test => self.add(Kind::Test, &word),
                        Some(kind) => self.add(kind, &word),
                        None => {}
                    }
                    test &= keyword.is_none();
                    keyword = match word.to_string().as_str() {
                        "fn" => Some(Kind::Function),
                        "struct" | "enum" | "trait" => Some(Kind::Type),
                        _ => None,
                    };
                }
                TokenTree::Group(group) => {
                    keyword = None;
                    test |= group.stream().to_string() == "test";
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => keyword = None,
            }
        }
    }
}

impl<'a> Visit<'a> for Collect<'_> {
    fn visit_item_struct(&mut self, item: &'a ItemStruct) {
        self.add(Kind::Type, &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'a ItemEnum) {
        self.add(Kind::Type, &item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_union(&mut self, item: &'a ItemUnion) {
        self.add(Kind::Type, &item.ident);
        visit::visit_item_union(self, item);
    }

    fn visit_item_trait(&mut self, item: &'a ItemTrait) {
        self.add(Kind::Type, &item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'a ItemType) {
        self.add(Kind::Type, &item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_trait_item_type(&mut self, item: &'a TraitItemType) {
        self.add(Kind::Type, &item.ident);
        visit::visit_trait_item_type(self, item);
    }

    fn visit_variant(&mut self, variant: &'a Variant) {
        self.add(Kind::Variant, &variant.ident);
        visit::visit_variant(self, variant);
    }

    fn visit_field(&mut self, field: &'a Field) {
        if let Some(name) = &field.ident {
            self.add(Kind::Field, name);
        }
        visit::visit_field(self, field);
    }

    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.function(&item.attrs, &item.sig.ident);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a ImplItemFn) {
        self.function(&item.attrs, &item.sig.ident);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a TraitItemFn) {
        self.function(&item.attrs, &item.sig.ident);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_macro(&mut self, item: &'a ItemMacro) {
        if let Some(name) = &item.ident {
            self.add(Kind::Function, name);
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_item_const(&mut self, item: &'a ItemConst) {
        self.add(Kind::Constant, &item.ident);
        visit::visit_item_const(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'a ImplItemConst) {
        self.add(Kind::Constant, &item.ident);
        visit::visit_impl_item_const(self, item);
    }

    fn visit_trait_item_const(&mut self, item: &'a TraitItemConst) {
        self.add(Kind::Constant, &item.ident);
        visit::visit_trait_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'a ItemStatic) {
        self.add(Kind::Constant, &item.ident);
        visit::visit_item_static(self, item);
    }

    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        // A module in a file of its own is named by that file.
        if item.content.is_some() {
            self.add(Kind::Module, &item.ident);
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        self.tokens(call.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_has_a_name_is_collected() {
        let text = "mod inner { pub static S: u8 = 1; } mod file; const C: u8 = 1;
            struct Plain { field: u8 } enum Cases { First { member: u8 } } trait Does { type Item; fn method(&self); const K: u8; }
            type Alias = u8; union Both { a: u8 } macro_rules! made { () => {} } #[component] fn Panel() {}
            impl Plain { fn own(argument: u8) { let variable = 1; fn nested() {} } const D: u8 = 2; }
            #[test] fn checks() {} #[tokio::test] async fn waits() {}
            proptest! { #[test] fn holds(x in 0..3) { x; } fn helper() {} }";
        let names = names("a.rs", text);
        let of =
            |kind| names.iter().filter(|name| name.kind == kind).map(|name| name.text.as_str()).collect::<Vec<_>>();
        assert_eq!(of(Kind::Module), ["inner"]);
        assert_eq!(of(Kind::Type), ["Plain", "Cases", "Does", "Item", "Alias", "Both", "Panel"]);
        assert_eq!(of(Kind::Variant), ["First"]);
        assert_eq!(of(Kind::Field), ["field", "member", "a"]);
        assert_eq!(of(Kind::Function), ["method", "made", "own", "nested", "helper"]);
        assert_eq!(of(Kind::Constant), ["S", "C", "K", "D"]);
        assert_eq!(of(Kind::Test), ["checks", "waits", "holds"]);
        assert_eq!(names.iter().find(|name| name.text == "holds").map(|name| name.line), Some(6));
    }
}
