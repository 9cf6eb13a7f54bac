//! A crate as a tree of modules: what each file defines, imports and re-exports. Code that is only compiled for tests
//! is left out.

use std::collections::BTreeMap;

use syn::{Attribute, File, ImplItem, Item, ItemMod, ItemUse, Lit, Meta, UseTree, Visibility};

use crate::sources::Sources;

/// Index of a file in [`Crate::files`].
pub type FileId = usize;
/// Index of a module in [`Crate::modules`]; the root is 0.
pub type ModuleId = usize;

/// A crate, or one of its programs: everything reached from one root file.
pub struct Crate {
    /// The files in the order in which they were read; the root is first.
    pub files: Vec<SourceFile>,
    /// The modules, including those written inside a file.
    pub modules: Vec<Module>,
}

/// A file of a crate.
pub struct SourceFile {
    /// Path from the root of the repository.
    pub path: String,
    /// The file's module path from the crate's root; empty for the root.
    pub module: Vec<String>,
    /// The attributes at the head of the file, including its documentation.
    pub attributes: Vec<Attribute>,
}

/// A module: a whole file, or a part of one in braces.
pub struct Module {
    /// The module around it.
    pub parent: Option<ModuleId>,
    /// The file in which the module is written.
    pub file: FileId,
    /// The meanings of the module's names. A name can have several: a module and a function, or one thing for each
    /// `cfg`.
    pub names: BTreeMap<String, Vec<Binding>>,
    /// The `use` declarations, one for each name.
    pub imports: Vec<Import>,
    /// The items. Modules among them contain no items here: they are modules of [`Crate::modules`].
    pub items: Vec<Item>,
}

/// The meaning of a name in a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// An item defined in the module itself.
    Item,
    /// A child module.
    Module(ModuleId),
    /// An imported name: an index into [`Module::imports`].
    Import(usize),
}

/// One name of a `use` declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The path as written, without the braces. It begins with `::` if it can only be another crate.
    pub path: Vec<String>,
    /// The name in this module; `None` for a glob.
    pub name: Option<String>,
    /// Whether the import is a glob: it ends in `*`.
    pub glob: bool,
    /// Whether the import is re-exported with `pub`, however restricted.
    pub public: bool,
    /// The line of the declaration.
    pub line: usize,
}

impl Crate {
    /// Reads everything reachable from `root`.
    ///
    /// # Panics
    /// When a file is missing or is not Rust.
    pub fn read(sources: &Sources, root: &str) -> Self {
        let mut read = Self { files: Vec::new(), modules: Vec::new() };
        read.file(sources, root, &folder_of(root), None, Vec::new());
        read
    }

    /// The module path of a file, as `a::b`; `the root` for the root.
    pub fn module_name(&self, file: FileId) -> String {
        let path = &self.files[file].module;
        if path.is_empty() { "the root".to_owned() } else { path.join("::") }
    }

    /// Reads a file as a module; the files of its child modules are in `folder`.
    fn file(
        &mut self,
        sources: &Sources,
        path: &str,
        folder: &str,
        parent: Option<ModuleId>,
        module: Vec<String>,
    ) -> ModuleId {
        let text = sources.text(path).unwrap_or_else(|| panic!("{path} is declared as a module and is not there"));
        let File { attrs, items, .. } = parse(path, text);
        self.files.push(SourceFile { path: path.to_owned(), module: module.clone(), attributes: attrs });
        self.module(sources, self.files.len() - 1, folder, parent, module, items)
    }

    fn module(
        &mut self,
        sources: &Sources,
        file: FileId,
        folder: &str,
        parent: Option<ModuleId>,
        path: Vec<String>,
        mut items: Vec<Item>,
    ) -> ModuleId {
        items.retain(|item| !is_test(attributes(item)));
        let id = self.modules.len();
        self.modules.push(Module { parent, file, names: BTreeMap::new(), imports: Vec::new(), items: Vec::new() });
        for item in &mut items {
            match item {
                Item::Use(declaration) => self.modules[id].import(declaration),
                Item::Mod(declared) => {
                    let below = self.declared(sources, file, folder, id, &path, declared);
                    self.modules[id].bind(declared.ident.to_string(), Binding::Module(below));
                }
                other => {
                    if let Some(name) = defined(other) {
                        self.modules[id].bind(name, Binding::Item);
                    }
                }
            }
        }
        self.modules[id].items = items;
        id
    }

    /// Reads the module that `mod name;` or `mod name { … }` declares.
    fn declared(
        &mut self,
        sources: &Sources,
        file: FileId,
        folder: &str,
        parent: ModuleId,
        parents: &[String],
        declared: &mut ItemMod,
    ) -> ModuleId {
        let name = declared.ident.to_string();
        let path = parents.iter().chain([&name]).cloned().collect();
        let below = format!("{folder}/{name}");
        if let Some((_, items)) = declared.content.take() {
            return self.module(sources, file, &below, Some(parent), path, items);
        }
        if let Some(given) = path_attribute(&declared.attrs) {
            let at = format!("{}/{given}", folder_of(&self.files[file].path));
            return self.file(sources, &at, &folder_of(&at), Some(parent), path);
        }
        let in_folder = format!("{below}/mod.rs");
        let at = if sources.text(&in_folder).is_some() { in_folder } else { format!("{below}.rs") };
        self.file(sources, &at, &below, Some(parent), path)
    }
}

impl Module {
    fn bind(&mut self, name: String, binding: Binding) {
        self.names.entry(name).or_default().push(binding);
    }

    fn import(&mut self, declaration: &ItemUse) {
        for import in imports(declaration) {
            let index = self.imports.len();
            if let Some(name) = &import.name {
                self.bind(name.clone(), Binding::Import(index));
            }
            self.imports.push(import);
        }
    }
}

/// The names of a `use` declaration, one by one.
pub fn imports(declaration: &ItemUse) -> Vec<Import> {
    fn add(tree: &UseTree, path: &mut Vec<String>, like: &Import, imports: &mut Vec<Import>) {
        let mut leaf = |path: Vec<String>, name: Option<String>, glob| {
            imports.push(Import { path, name, glob, ..like.clone() });
        };
        // `{self}` stands for the path before it.
        let whole = |name: &str| {
            let mut path = path.clone();
            if name != "self" || path.is_empty() {
                path.push(name.to_owned());
            }
            path
        };
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                add(&step.tree, path, like, imports);
                path.pop();
            }
            UseTree::Name(name) => {
                let path = whole(&name.ident.to_string());
                let name = path.last().cloned();
                leaf(path, name, false);
            }
            UseTree::Rename(renamed) => {
                leaf(whole(&renamed.ident.to_string()), Some(renamed.rename.to_string()), false);
            }
            UseTree::Glob(_) => leaf(path.clone(), None, true),
            UseTree::Group(group) => group.items.iter().for_each(|tree| add(tree, path, like, imports)),
        }
    }
    let like = Import {
        path: Vec::new(),
        name: None,
        glob: false,
        public: !matches!(declaration.vis, Visibility::Inherited),
        line: declaration.use_token.span.start().line,
    };
    let mut path = if declaration.leading_colon.is_some() { vec!["::".to_owned()] } else { Vec::new() };
    let mut imports = Vec::new();
    add(&declaration.tree, &mut path, &like, &mut imports);
    imports
}

/// Parses Rust from text.
///
/// # Panics
/// When the text is not Rust.
pub fn parse(path: &str, text: &str) -> File {
    syn::parse_file(text).unwrap_or_else(|error| panic!("{path}:{}: {error}", error.span().start().line))
}

/// Whether code with these attributes is only compiled for tests: `#[cfg(test)]`, `#[cfg(all(test, …))]`, `#[test]` and
/// the like.
pub fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if !attribute.path().is_ident("cfg") {
            return attribute.path().segments.last().is_some_and(|last| last.ident == "test");
        }
        let mut test = false;
        // Reading stops at anything that is not a name or `all(…)`; what was read until then counts.
        let _ = attribute.parse_nested_meta(|condition| {
            test |= condition.path.is_ident("test");
            if condition.path.is_ident("all") {
                return condition.parse_nested_meta(|part| {
                    test |= part.path.is_ident("test");
                    if part.input.peek(syn::Token![=]) { part.value()?.parse::<Lit>().map(drop) } else { Ok(()) }
                });
            }
            Ok(())
        });
        test
    })
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The attributes of a part of an `impl`.
pub fn impl_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| match &attribute.meta {
        Meta::NameValue(pair) => match &pair.value {
            syn::Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

/// The folder a file is in.
fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned())
}
