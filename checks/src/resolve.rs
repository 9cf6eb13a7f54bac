//! Resolves a path in the code to the file that defines the name: through imports, renames, globs and re-exports.

use crate::modules::{Binding, Crate, FileId, ModuleId};

/// The target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A module of the crate.
    Module(ModuleId),
    /// An item that a file of the crate defines.
    Item {
        /// The file.
        file: FileId,
        /// The item's name in that file; the rest of the path (a variant, an associated function) belongs to the item.
        name: String,
    },
    /// Another crate, or the language itself.
    Outside,
}

impl Crate {
    /// The targets of a path written in a module. There can be several: a function and a module of one name, or one for
    /// each `cfg`. Empty if the module does not know the name, as with a name of the language.
    pub fn resolve(&self, from: ModuleId, path: &[String]) -> Vec<Target> {
        self.follow(from, path, &mut Vec::new())
    }

    /// `open` are the imports being followed: an import that leads back to itself ends there.
    fn follow(&self, from: ModuleId, path: &[String], open: &mut Vec<(ModuleId, usize)>) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let start = match first.as_str() {
            "::" => return vec![Target::Outside],
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(from)],
            "super" => vec![Target::Module(self.modules[from].parent.unwrap_or(0))],
            name => self.lookup(from, name, open),
        };
        let mut targets = start;
        for name in rest {
            // A name before `::` is a module where there is one, and a type otherwise.
            let module = targets.iter().find_map(|target| match target {
                Target::Module(module) => Some(*module),
                _ => None,
            });
            let Some(module) = module else { return targets };
            targets = if name == "super" {
                vec![Target::Module(self.modules[module].parent.unwrap_or(0))]
            } else {
                self.lookup(module, name, open)
            };
            if targets.is_empty() {
                // Nothing in the text defines the name, so a macro of that module does.
                targets = vec![Target::Item { file: self.modules[module].file, name: name.clone() }];
            }
        }
        targets
    }

    /// The meanings of a name in a module; names from globs count only if nothing else has the name.
    fn lookup(&self, module: ModuleId, name: &str, open: &mut Vec<(ModuleId, usize)>) -> Vec<Target> {
        let mut targets = Vec::new();
        for binding in self.modules[module].names.get(name).into_iter().flatten() {
            match binding {
                Binding::Item => {
                    targets.push(Target::Item { file: self.modules[module].file, name: name.to_owned() });
                }
                Binding::Module(below) => targets.push(Target::Module(*below)),
                Binding::Import(index) => {
                    let path = &self.modules[module].imports[*index].path;
                    targets.extend(self.once(module, *index, open, |open| self.import(module, path, open)));
                }
            }
        }
        if targets.is_empty() {
            for (index, import) in self.modules[module].imports.iter().enumerate().filter(|(_, import)| import.glob) {
                targets.extend(self.once(module, index, open, |open| {
                    let below = self.follow(module, &import.path, open);
                    let modules = below.into_iter().filter_map(|target| match target {
                        Target::Module(module) => Some(module),
                        _ => None,
                    });
                    modules.flat_map(|below| self.lookup(below, name, open)).collect()
                }));
            }
        }
        targets
    }

    /// The targets of an import; an import that leads nowhere in the crate leads outside.
    fn import(&self, module: ModuleId, path: &[String], open: &mut Vec<(ModuleId, usize)>) -> Vec<Target> {
        let targets = self.follow(module, path, open);
        if targets.is_empty() { vec![Target::Outside] } else { targets }
    }

    fn once(
        &self,
        module: ModuleId,
        import: usize,
        open: &mut Vec<(ModuleId, usize)>,
        follow: impl FnOnce(&mut Vec<(ModuleId, usize)>) -> Vec<Target>,
    ) -> Vec<Target> {
        if open.contains(&(module, import)) {
            return Vec::new();
        }
        open.push((module, import));
        let targets = follow(open);
        open.pop();
        targets
    }
}
