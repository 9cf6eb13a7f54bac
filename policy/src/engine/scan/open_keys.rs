//! The keys of the objects that are being read, to notice a key that appears twice in its object.

use std::{collections::HashSet, hash::BuildHasherDefault};

use crate::engine::compiled::short_strings::{FastHasher, Key};

/// The number of keys that need no allocation.
const FEW: usize = 32;

/// The keys of the open objects. A key is known by a mark that two keys practically never share; where they do, the
/// reader gives up, and the JSON parser compares the keys themselves.
#[derive(Debug, Default)]
pub(super) struct OpenKeys {
    few: [u32; FEW],
    len: usize,
    /// The marks that found no place, each with the number of its object.
    more: HashSet<u64, BuildHasherDefault<FastHasher>>,
    objects: u32,
}

/// An object that is being read.
#[derive(Debug)]
pub(super) struct OpenObject {
    /// The place of the object's first mark.
    from: usize,
    number: u32,
}

impl OpenKeys {
    /// Opens an object.
    #[inline]
    pub(super) fn open(&mut self) -> OpenObject {
        self.objects = self.objects.wrapping_add(1);
        OpenObject { from: self.len, number: self.objects }
    }

    /// Closes the object that was opened last.
    #[inline]
    pub(super) fn close(&mut self, object: &OpenObject) {
        self.len = object.from;
    }

    /// Adds a key of `object`, the object that was opened last; none when the object may have the key already.
    #[inline]
    pub(super) fn add(&mut self, object: &OpenObject, key: &Key<'_>) -> Option<()> {
        let mark = key.mark();
        if self.few.get(object.from..self.len).unwrap_or_default().contains(&mark) {
            return None;
        }
        let new = match self.few.get_mut(self.len) {
            Some(place) => {
                *place = mark;
                self.len += 1;
                true
            }
            None => self.more.insert((u64::from(object.number) << 32) | u64::from(mark)),
        };
        new.then_some(())
    }
}
