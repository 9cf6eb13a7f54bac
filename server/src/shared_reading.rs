//! One reading that everybody shares who asks for the same at the same time. No lock is held while it waits; whoever waits
//! drives it, so nobody's leaving stops it for the others.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

/// The newest reading, and what it is about. Cheap to clone; clones share the reading.
pub struct SharedReading<K, T>(Arc<Mutex<Option<Newest<K, T>>>>);

type Newest<K, T> = (K, Shared<BoxFuture<'static, T>>);

impl<K, T: Clone> SharedReading<K, T> {
    /// The newest reading if it is `good`: judged by what it is about, and by its result once it has one. Otherwise a new
    /// one, about `key`.
    pub async fn get<R>(&self, key: K, good: impl FnOnce(&K, Option<&T>) -> bool, read: impl FnOnce() -> R) -> T
    where
        R: Future<Output = T> + Send + 'static,
    {
        let reading = {
            let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &*newest {
                Some((key, reading)) if good(key, reading.peek()) => reading.clone(),
                _ => newest.insert((key, read().boxed().shared())).1.clone(),
            }
        };
        reading.await
    }
}

impl<K, T> Clone for SharedReading<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> Default for SharedReading<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T> fmt::Debug for SharedReading<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedReading")
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures::future::join_all;
    use tokio::{sync::Semaphore, time::timeout};

    use super::*;

    #[tokio::test]
    async fn the_same_is_read_once_for_everybody_also_when_who_began_leaves() {
        let (shared, readings, ready) =
            (SharedReading::<u64, Option<usize>>::default(), AtomicUsize::new(0), Arc::new(Semaphore::new(0)));
        let (readings, ready) = (&readings, &ready);
        let get = |key: u64, fails: bool| {
            let good = move |known: &u64, done: Option<&Option<usize>>| *known == key && done != Some(&None);
            let read = move || {
                let (number, ready) = (readings.fetch_add(1, Ordering::Relaxed), Arc::clone(ready));
                async move {
                    ready.acquire().await.unwrap().forget();
                    (!fails).then_some(number)
                }
            };
            shared.get(key, good, read)
        };
        assert!(timeout(Duration::from_millis(10), get(1, false)).await.is_err());
        ready.add_permits(1);
        assert_eq!(join_all((0..50).map(|_| get(1, false))).await, [Some(0); 50]);
        ready.add_permits(3);
        assert_eq!(get(2, true).await, None);
        assert_eq!(get(2, false).await, Some(2), "what could not be read is read again");
        assert_eq!(get(3, false).await, Some(3));
    }
}
