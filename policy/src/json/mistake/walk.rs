//! A walk over the bytes of a document that knows the JSON Pointer of every place.

use std::collections::HashSet;

use super::{
    cursor::{Cursor, MAX_QUOTED, Wrong},
    doubled::Doubled,
};
use crate::json::{
    literal::{Literals, is_exact},
    pointer::{clip, escape},
};

/// The number of objects and lists inside each other that the JSON parser reads.
const MAX_DEPTH: usize = 127;

/// Maximum number of repeated members that are named.
const MAX_NAMED: usize = 20;

/// What to do about a member that appears twice.
pub(super) enum Duplicates {
    Refused,
    Noted(Doubled),
}

type Walked = Result<(), Wrong>;

pub(super) struct Walk<'a> {
    cursor: Cursor<'a>,
    /// The tokens of the JSON Pointer to the current value.
    path: Vec<String>,
    pub(super) repeated: Duplicates,
    /// The numbers that are not the doubles they become, where they are wanted.
    pub(super) literals: Option<Literals>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8], repeated: Duplicates) -> Self {
        Self { cursor: Cursor { bytes, at: 0 }, path: Vec::new(), repeated, literals: None }
    }

    pub(super) fn document(&mut self) -> Walked {
        self.value()?;
        match self.cursor.peek() {
            None => Ok(()),
            Some(_) => {
                let what = self.cursor.odd_byte().unwrap_or_else(|| format!("{} follows", self.cursor.quoted()));
                Err(self.cursor.wrong(format!("{what} after the end of the document; remove it")))
            }
        }
    }

    fn value(&mut self) -> Walked {
        match self.cursor.peek() {
            None => Err(self.cut_off()),
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.cursor.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) if self.cursor.word() => Ok(()),
            Some(_) => Err(self.no_value()),
        }
    }

    fn cut_off(&self) -> Wrong {
        let open = self.path.len();
        self.cursor.wrong(if open == 0 {
            "the document ends here, but a value is missing"
        } else {
            "the document ends here, but is not complete; was it cut off?"
        })
    }

    /// The mistake at a byte with which no value begins.
    fn no_value(&self) -> Wrong {
        let rest = self.cursor.bytes.get(self.cursor.at..).unwrap_or_default();
        if let Some(what) = self.cursor.odd_byte() {
            return self.cursor.wrong(format!("{what} here, outside of any text; remove it"));
        }
        let name: Vec<u8> = rest.iter().copied().take_while(u8::is_ascii_alphabetic).take(MAX_QUOTED).collect();
        let name = String::from_utf8_lossy(&name).into_owned();
        let literal = match name.to_ascii_lowercase().as_str() {
            "true" => Some("`true`"),
            "false" => Some("`false`"),
            "null" | "none" | "nil" | "undefined" => Some("`null`"),
            "nan" | "infinity" | "inf" => {
                return self
                    .cursor
                    .wrong(format!("`{name}` is no number that JSON knows; leave it out, or write `null`"));
            }
            _ => None,
        };
        self.cursor.wrong(match (rest, literal) {
            (_, Some(literal)) => format!("`{name}` is no JSON value; write {literal}"),
            ([b',', ..], _) => "a value is missing before this comma".to_owned(),
            ([b'}' | b']', ..], _) => "a value is missing before this bracket; is there a comma too many?".to_owned(),
            ([b'\'', ..], _) => "a text stands between double quotes, not single ones".to_owned(),
            ([b'/', ..] | [b'#', ..], _) => "JSON has no comments; remove this one".to_owned(),
            ([b'+', ..] | [b'.', ..], _) => {
                "a number begins with a digit or `-`; write `0.5`, not `.5` or `+0.5`".to_owned()
            }
            _ if !name.is_empty() => format!("`{name}` is no JSON value; write a text between double quotes"),
            _ => format!("{} is no JSON value", self.cursor.quoted()),
        })
    }

    fn enter(&mut self) -> Walked {
        if self.path.len() == MAX_DEPTH {
            return Err(self.cursor.wrong(format!(
                "more than {MAX_DEPTH} objects and lists stand inside each other here; write the document with fewer levels"
            )));
        }
        self.cursor.at += 1;
        self.path.push(String::new());
        Ok(())
    }

    fn set_token(&mut self, token: String) {
        if let Some(last) = self.path.last_mut() {
            *last = token;
        }
    }

    fn pointer(&self) -> String {
        self.path.iter().map(|token| format!("/{}", escape(token))).collect()
    }

    fn object(&mut self) -> Walked {
        self.enter()?;
        let mut names: HashSet<String> = HashSet::new();
        if self.cursor.peek() == Some(b'}') {
            return self.leave();
        }
        loop {
            match self.cursor.peek() {
                Some(b'"') => {}
                None => return Err(self.cut_off()),
                Some(b'}') => {
                    return Err(self
                        .cursor
                        .wrong("a member is missing before this bracket; remove the comma before it"));
                }
                Some(_) => {
                    let what = self.cursor.odd_byte();
                    let what = what.map(|what| format!("{what} here, outside of any text; remove it"));
                    return Err(self.cursor.wrong(
                        what.unwrap_or_else(|| "a member begins with its name between double quotes".to_owned()),
                    ));
                }
            }
            let start = self.cursor.at;
            let name = self.cursor.string()?;
            self.set_token(name.clone());
            if !names.insert(name) {
                self.twice(start)?;
            }
            match self.cursor.peek() {
                Some(b':') => self.cursor.at += 1,
                None => return Err(self.cut_off()),
                Some(_) => return Err(self.cursor.wrong("a colon is missing between a member's name and its value")),
            }
            self.value()?;
            match self.cursor.peek() {
                Some(b',') => self.cursor.at += 1,
                Some(b'}') => return self.leave(),
                None => return Err(self.cut_off()),
                Some(_) => return Err(self.missing_separator('}')),
            }
        }
    }

    /// The member that begins at `start` has a name that its object has already.
    fn twice(&mut self, start: usize) -> Walked {
        match &mut self.repeated {
            // Without a bound, many short repeats below a long name would fill the memory with their pointers.
            Duplicates::Noted(repeated) if repeated.pointers.len() == MAX_NAMED => {
                repeated.more += 1;
                return Ok(());
            }
            Duplicates::Noted(_) | Duplicates::Refused => {}
        }
        let pointer = self.pointer();
        let shown = clip(&pointer);
        if let Duplicates::Noted(repeated) = &mut self.repeated {
            repeated.pointers.push(shown.into_owned());
            return Ok(());
        }
        let message = format!("`{shown}` appears twice in its object; keep the one that is meant");
        Err(Wrong { at: start, message, duplicate: Some(pointer) })
    }

    fn list(&mut self) -> Walked {
        self.enter()?;
        if self.cursor.peek() == Some(b']') {
            return self.leave();
        }
        for index in 0_usize.. {
            self.set_token(index.to_string());
            if index > 0 && self.cursor.peek() == Some(b']') {
                return Err(self.cursor.wrong("an item is missing before this bracket; remove the comma before it"));
            }
            self.value()?;
            match self.cursor.peek() {
                Some(b',') => self.cursor.at += 1,
                Some(b']') => return self.leave(),
                None => return Err(self.cut_off()),
                Some(_) => return Err(self.missing_separator(']')),
            }
        }
        Ok(())
    }

    fn leave(&mut self) -> Walked {
        self.cursor.at += 1;
        self.path.pop();
        Ok(())
    }

    fn missing_separator(&self, close: char) -> Wrong {
        match self.cursor.odd_byte() {
            Some(what) => self.cursor.wrong(format!("{what} here, outside of any text; remove it")),
            None => self.cursor.wrong(format!("a comma or `{close}` is missing here")),
        }
    }

    fn number(&mut self) -> Walked {
        let (written, becomes) = self.cursor.number()?;
        if self.literals.as_ref().is_some_and(|literals| !literals.is_full()) && !is_exact(written, becomes) {
            let pointer = self.pointer();
            if let Some(literals) = &mut self.literals {
                literals.insert(pointer, written, becomes);
            }
        }
        Ok(())
    }
}
