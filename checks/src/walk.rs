//! Reads a crate's code and builds its graph: every name that a file takes from another file of the crate.
//!
//! A name counts if it is imported, or written as a path in a type, an expression, a pattern, an attribute or a macro.
//! A method does not count as a name of its own, a local variable hides an import, and `mod` and re-exports of what is
//! below a module only expose the module's parts, so they create no tie.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Arm, Attribute, Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprLet, ExprWhile, ImplItem, ImplItemFn, Item,
    ItemFn, ItemUse, Local, Macro, Meta, PatIdent, Path, Stmt, Token, TraitItemFn,
    parse::Parser,
    punctuated::Punctuated,
    visit::{self, Visit},
};

use crate::{
    graph::{Graph, Node},
    modules::{Crate, FileId, Import, ModuleId, attributes, impl_attributes, imports, is_test},
    resolve::Target,
    tokens::{paths, paths_in_strings},
};

/// The graph of a crate.
pub fn graph(of: &Crate) -> Graph {
    let files = of.files.iter().map(|file| Node { path: file.path.clone(), module: file.module.clone() }).collect();
    let mut graph = Graph { files, ..Graph::default() };
    for (id, module) in of.modules.iter().enumerate() {
        let mut walk = Walk { krate: of, module: id, scopes: Vec::new(), graph: &mut graph };
        module.imports.iter().for_each(|import| walk.import(import));
        module.items.iter().for_each(|item| walk.visit_item(item));
    }
    graph
}

struct Walk<'a> {
    krate: &'a Crate,
    module: ModuleId,
    scopes: Vec<Scope>,
    graph: &'a mut Graph,
}

/// Names that are in scope inside a function, a block or an arm.
#[derive(Default)]
struct Scope {
    locals: BTreeSet<String>,
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

impl Walk<'_> {
    /// Records the names that an import takes. Re-exporting with `pub use` what is below this module takes nothing.
    fn import(&mut self, import: &Import) {
        let here = &self.krate.files[self.krate.modules[self.module].file].module;
        for target in self.krate.resolve(self.module, &import.path) {
            if let Target::Item { file, name } = target {
                let below = self.krate.files[file].module.starts_with(here);
                if !(import.public && below) {
                    self.take(file, &name, &import.path, import.line);
                }
            }
        }
    }

    /// Records the names that a path in the code takes.
    fn path(&mut self, path: &[String], line: usize) {
        let Some(first) = path.first() else { return };
        let mut targets = Vec::new();
        for scope in self.scopes.iter().rev() {
            if path.len() == 1 && scope.locals.contains(first) {
                return;
            }
            if let Some(imported) = scope.imports.get(first) {
                let path: Vec<_> = imported.iter().chain(&path[1..]).cloned().collect();
                targets = self.krate.resolve(self.module, &path);
                break;
            }
            for glob in scope.globs.iter().flat_map(|glob| self.krate.resolve(self.module, glob)) {
                if let Target::Module(module) = glob {
                    targets.extend(self.krate.resolve(module, path));
                }
            }
        }
        if targets.is_empty() {
            targets = self.krate.resolve(self.module, path);
        }
        for target in targets {
            if let Target::Item { file, name } = target {
                self.take(file, &name, path, line);
            }
        }
    }

    /// Records a name, along with the name written in the code if the two differ.
    fn take(&mut self, from: FileId, name: &str, written: &[String], line: usize) {
        let here = self.krate.modules[self.module].file;
        match written.last() {
            Some(other) if !written.iter().any(|part| part == name) => {
                self.graph.take(here, from, &format!("{name} as {other}"), line);
            }
            _ => self.graph.take(here, from, name, line),
        }
    }

    fn scoped(&mut self, inside: impl FnOnce(&mut Self)) {
        self.scopes.push(Scope::default());
        inside(self);
        self.scopes.pop();
    }

    fn innermost(&mut self) -> Option<&mut Scope> {
        self.scopes.last_mut()
    }

    /// The body of a macro: read as expressions or statements if it parses as such, otherwise token by token.
    fn tokens(&mut self, tokens: TokenStream) {
        if let Ok(arguments) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()) {
            for argument in &arguments {
                match argument {
                    // `name = value` in `format!` and the like.
                    Expr::Assign(named) => self.visit_expr(&named.right),
                    other => self.visit_expr(other),
                }
            }
        } else if let Ok(statements) = Block::parse_within.parse2(tokens.clone()) {
            self.scoped(|walk| walk.statements(&statements));
        } else {
            self.single_tokens(&tokens.into_iter().collect::<Vec<_>>());
        }
    }

    fn single_tokens(&mut self, tokens: &[TokenTree]) {
        for (path, line) in paths(tokens) {
            self.path(&path, line);
        }
        for token in tokens {
            if let TokenTree::Group(group) = token {
                self.tokens(group.stream());
            }
        }
    }

    fn statements(&mut self, statements: &[Stmt]) {
        // The declarations of a block are in scope in all of it.
        for statement in statements {
            match statement {
                Stmt::Item(Item::Use(declaration)) if !is_test(&declaration.attrs) => {
                    for import in imports(declaration) {
                        self.import(&import);
                        if let Some(scope) = self.innermost() {
                            if import.glob {
                                scope.globs.push(import.path);
                            } else if let Some(name) = import.name {
                                scope.imports.insert(name, import.path);
                            }
                        }
                    }
                }
                Stmt::Item(Item::Fn(function)) => {
                    let name = function.sig.ident.to_string();
                    self.innermost().map(|scope| scope.locals.insert(name));
                }
                _ => {}
            }
        }
        statements.iter().for_each(|statement| self.visit_stmt(statement));
    }
}

impl<'a> Visit<'a> for Walk<'_> {
    fn visit_item(&mut self, item: &'a Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        if !is_test(impl_attributes(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    // Imports are read at the beginning of their module or block.
    fn visit_item_use(&mut self, _: &'a ItemUse) {}

    fn visit_path(&mut self, path: &'a Path) {
        let mut names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_some() {
            names.insert(0, "::".to_owned());
        }
        if let Some(first) = path.segments.first() {
            self.path(&names, first.ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        // A macro with a single-segment path is either imported or defined above in the text.
        if call.path.segments.len() > 1 {
            self.visit_path(&call.path);
        }
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        let silent = ["cfg", "derive", "doc", "expect", "path"];
        if let Meta::List(list) = &attribute.meta
            && !silent.iter().any(|name| attribute.path().is_ident(name))
        {
            if attribute.path().is_ident("serde") {
                for path in paths_in_strings(list.tokens.clone()) {
                    self.visit_path(&path);
                }
            }
            self.single_tokens(&list.tokens.clone().into_iter().collect::<Vec<_>>());
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        let name = pattern.ident.to_string();
        if name.starts_with(char::is_uppercase) {
            self.path(&[name], pattern.ident.span().start().line);
        } else {
            self.innermost().map(|scope| scope.locals.insert(name));
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        self.scoped(|walk| visit::visit_item_fn(walk, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.scoped(|walk| visit::visit_impl_item_fn(walk, function));
    }

    fn visit_trait_item_fn(&mut self, function: &'a TraitItemFn) {
        self.scoped(|walk| visit::visit_trait_item_fn(walk, function));
    }

    fn visit_expr_closure(&mut self, closure: &'a ExprClosure) {
        self.scoped(|walk| visit::visit_expr_closure(walk, closure));
    }

    fn visit_arm(&mut self, arm: &'a Arm) {
        self.scoped(|walk| visit::visit_arm(walk, arm));
    }

    fn visit_block(&mut self, block: &'a Block) {
        self.scoped(|walk| walk.statements(&block.stmts));
    }

    // A variable is in scope after its value, until the end of its block or branch.
    fn visit_local(&mut self, local: &'a Local) {
        if let Some(value) = &local.init {
            self.visit_local_init(value);
        }
        self.visit_pat(&local.pat);
    }

    fn visit_expr_let(&mut self, binding: &'a ExprLet) {
        self.visit_expr(&binding.expr);
        self.visit_pat(&binding.pat);
    }

    fn visit_expr_if(&mut self, branch: &'a ExprIf) {
        self.scoped(|walk| {
            walk.visit_expr(&branch.cond);
            walk.visit_block(&branch.then_branch);
        });
        if let Some((_, otherwise)) = &branch.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, repeated: &'a ExprWhile) {
        self.scoped(|walk| visit::visit_expr_while(walk, repeated));
    }

    fn visit_expr_for_loop(&mut self, repeated: &'a ExprForLoop) {
        self.visit_expr(&repeated.expr);
        self.scoped(|walk| {
            walk.visit_pat(&repeated.pat);
            walk.visit_block(&repeated.body);
        });
    }
}
