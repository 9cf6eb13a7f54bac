//! How much of something one caller may keep open at a time: streams of a page, polls that wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lifecycle::problem::{Code, Problem};

/// When to come back after a refusal, in seconds.
const RETRY_AFTER: u64 = 60;

/// Counts what each caller has open. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct OpenPlaces {
    most: usize,
    what: &'static str,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

impl OpenPlaces {
    /// At most `most` of `what`, such as "streams", for each caller.
    pub fn new(most: usize, what: &'static str) -> Self {
        Self { most, what, open: Arc::default() }
    }

    /// Opens one for the caller `name`; it counts until the value is dropped.
    ///
    /// # Errors
    /// `too_many_requests` when the caller has too many.
    pub fn begin(&self, name: &str) -> Result<OpenPlace, Problem> {
        let mut open = lock(&self.open);
        let count = open.entry(name.to_owned()).or_default();
        if *count >= self.most {
            let detail =
                format!("you have {} {} open; close one, or try again in {RETRY_AFTER} s", self.most, self.what);
            return Err(Problem::new(Code::TooManyRequests, detail).with("retry_after_seconds", RETRY_AFTER));
        }
        *count += 1;
        Ok(OpenPlace { name: name.to_owned(), open: Arc::clone(&self.open) })
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        lock(&self.open).values().sum()
    }
}

/// Something that is open.
#[derive(Debug)]
pub struct OpenPlace {
    name: String,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for OpenPlace {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if let Some(count) = open.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.name);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_has_so_many_and_no_more() {
        let places = OpenPlaces::new(32, "streams");
        let mut open: Vec<OpenPlace> = (0..32).map(|_| places.begin("ada").unwrap()).collect();
        assert_eq!(places.begin("ada").unwrap_err().status, 429);
        assert!(places.begin("grace").is_ok());
        open.pop();
        assert!(places.begin("ada").is_ok());
        drop(open);
        assert_eq!(places.count(), 0);
    }
}
