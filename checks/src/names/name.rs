//! A name and its place.

use std::fmt;

/// The kind of thing that a name denotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file; its name without the extension.
    File,
    /// A folder.
    Folder,
    /// A module.
    Module,
    /// A struct, enum, union, trait, alias or component.
    Type,
    /// A variant of an enum.
    Variant,
    /// A field of a struct or a variant.
    Field,
    /// A function, method or macro.
    Function,
    /// A constant or static.
    Constant,
    /// A class in a style sheet.
    Class,
    /// A custom property in a style sheet.
    Property,
    /// A test: a function in Rust, a title in a browser test.
    Test,
}

/// A name and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The kind of thing that the name denotes.
    pub kind: Kind,
    /// The name.
    pub text: String,
    /// The file, from the root of the repository; the folder itself for a folder.
    pub path: String,
    /// The line; 0 for a file or folder.
    pub line: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.line) {
            (kind, 0) => write!(f, "{}: {kind}", self.path),
            (kind, line) => write!(f, "{}:{line}: {kind} `{}`", self.path, self.text),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Module => "module",
            Self::Type => "type",
            Self::Variant => "variant",
            Self::Field => "field",
            Self::Function => "function",
            Self::Constant => "constant",
            Self::Class => "class",
            Self::Property => "custom property",
            Self::Test => "test",
        })
    }
}
