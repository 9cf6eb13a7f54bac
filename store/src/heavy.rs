//! Work that keeps a core busy for more than a moment: proofs, replays, comparisons, large documents. All of it shares a few
//! places, one less than there are cores, so that decisions and emergency commands always find one. People take turns; who
//! leaves while waiting gives the place in the queue back.

use std::{
    collections::VecDeque,
    fmt,
    num::NonZero,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use lifecycle::problem::{Code, Problem};
use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

use crate::{Error, Result};

/// Maximum pieces of work of one person that wait.
const WAITING_OF_ONE: usize = 8;
/// Maximum pieces of work that wait.
const WAITING: usize = 64;
/// How long a piece of work waits for its turn.
const WAIT_FOR: Duration = Duration::from_secs(20);
/// How long a caller waits for a piece of work once it has begun.
const RUN_FOR: Duration = Duration::from_secs(120);
/// When to come back after a refusal, in seconds.
const RETRY_AFTER: u64 = 5;

/// The places, and who waits for one. Cheap to clone; all clones share the places.
#[derive(Clone)]
pub struct HeavyWork {
    queue: Arc<Mutex<Queue>>,
    wait_for: Duration,
}

/// How much is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Pieces of work that run.
    pub running: usize,
    /// Pieces of work that wait.
    pub waiting: usize,
    /// Pieces of work that were refused since the start.
    pub refused: u64,
}

struct Queue {
    places: usize,
    running: usize,
    /// Those who wait, the next one first. A person whose turn has come goes to the end.
    people: VecDeque<Person>,
    refused: u64,
}

struct Person {
    name: String,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

impl Default for HeavyWork {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::with_places(cores.saturating_sub(1).max(1), WAIT_FOR)
    }
}

impl fmt::Debug for HeavyWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeavyWork").field("load", &self.load()).finish()
    }
}

impl HeavyWork {
    fn with_places(places: usize, wait_for: Duration) -> Self {
        let queue = Queue { places, running: 0, people: VecDeque::new(), refused: 0 };
        Self { queue: Arc::new(Mutex::new(queue)), wait_for }
    }

    /// Runs `work` for the person `name` when it is their turn.
    ///
    /// # Errors
    /// As [`Self::turn`] and [`Turn::run`].
    pub async fn run<T: Send + 'static>(&self, name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.turn(name).await?.run(work).await
    }

    /// Waits until it is the turn of the person `name`, for work in several steps.
    ///
    /// # Errors
    /// `too_many_requests` when too much waits already, or nothing became free in time.
    pub async fn turn(&self, name: &str) -> Result<Turn> {
        let (sender, receiver) = oneshot::channel();
        if let Some(turn) = self.queue().enter(&self.queue, name, sender)? {
            return Ok(turn);
        }
        match timeout(self.wait_for, receiver).await {
            Ok(Ok(turn)) => Ok(turn),
            // Turning back drops the receiver, which is as good as leaving.
            Ok(Err(_)) | Err(_) => {
                self.queue().refused += 1;
                Err(too_busy("the server has been busy with other work for too long"))
            }
        }
    }

    /// How much is going on.
    pub fn load(&self) -> Load {
        let queue = self.queue();
        let waiting = queue.people.iter().map(Person::waits).sum();
        Load { running: queue.running, waiting, refused: queue.refused }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn too_busy(why: &str) -> Error {
    let detail = format!("{why}; try again in {RETRY_AFTER} s");
    Problem::new(Code::TooManyRequests, detail).with("retry_after_seconds", RETRY_AFTER).into()
}

impl Person {
    /// Those who have left do not count.
    fn waits(&self) -> usize {
        self.waiting.iter().filter(|waiting| !waiting.is_closed()).count()
    }
}

impl Queue {
    /// Takes a free place, or else a place in the queue.
    fn enter(&mut self, shared: &Arc<Mutex<Self>>, name: &str, sender: oneshot::Sender<Turn>) -> Result<Option<Turn>> {
        if self.running < self.places {
            self.running += 1;
            return Ok(Some(Turn::new(shared)));
        }
        for person in &mut self.people {
            person.waiting.retain(|waiting| !waiting.is_closed());
        }
        self.people.retain(|person| !person.waiting.is_empty());
        let waiting: usize = self.people.iter().map(|person| person.waiting.len()).sum();
        let known = self.people.iter_mut().find(|person| person.name == name);
        let own = known.as_ref().map_or(0, |person| person.waiting.len());
        if own >= WAITING_OF_ONE {
            self.refused += 1;
            return Err(too_busy("you have asked for more at once than the server does for one person"));
        }
        if waiting >= WAITING {
            self.refused += 1;
            return Err(too_busy("the server has too much to do"));
        }
        match known {
            Some(person) => person.waiting.push_back(sender),
            None => self.people.push_back(Person { name: name.to_owned(), waiting: VecDeque::from([sender]) }),
        }
        Ok(None)
    }

    /// The next in the queue; whoever has just had a turn comes after everybody else.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(mut person) = self.people.pop_front() {
            let next = person.waiting.pop_front();
            if !person.waiting.is_empty() {
                self.people.push_back(person);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }
}

/// A place, until it is dropped and the work in it is done.
#[derive(Debug)]
pub struct Turn {
    place: Arc<Place>,
}

impl Turn {
    fn new(queue: &Arc<Mutex<Queue>>) -> Self {
        Self { place: Arc::new(Place { queue: Arc::clone(queue) }) }
    }

    /// Runs one step. Whoever leaves leaves the step to its end; the place becomes free only then.
    ///
    /// # Errors
    /// `unavailable` when the step takes too long; an internal error when it panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let place = Arc::clone(&self.place);
        let step = spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        match timeout(RUN_FOR, step).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Error::Internal(format!("the work stopped: {error}"))),
            Err(_) => {
                let detail = format!("this takes longer than {} s; ask for less", RUN_FOR.as_secs());
                Err(Error::refused(Code::Unavailable, detail))
            }
        }
    }
}

/// One of the places.
struct Place {
    queue: Arc<Mutex<Queue>>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        loop {
            let next = {
                let mut queue = lock(&self.queue);
                let next = queue.next();
                if next.is_none() {
                    queue.running -= 1;
                }
                next
            };
            let Some(next) = next else { return };
            if next.is_closed() {
                continue;
            }
            // Sent outside the lock: if the receiver leaves at this moment, the turn is dropped and passed on.
            let _left = next.send(Turn::new(&self.queue));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::time::sleep;

    use super::*;

    fn one_place() -> HeavyWork {
        HeavyWork::with_places(1, Duration::from_secs(10))
    }

    async fn until(work: &HeavyWork, waiting: usize) {
        while work.load().waiting != waiting {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn people_take_turns_however_much_one_of_them_asks() {
        let work = one_place();
        let first = work.turn("first").await.unwrap();
        let (sender, order) = mpsc::channel();
        let mut tasks = Vec::new();
        for (number, name) in ["a", "a", "a", "b", "c"].into_iter().enumerate() {
            let (work_of, sender) = (work.clone(), sender.clone());
            tasks.push(tokio::spawn(async move { work_of.run(name, move || sender.send(name).unwrap()).await }));
            until(&work, number + 1).await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        drop(sender);
        assert_eq!(order.iter().collect::<Vec<_>>(), ["a", "b", "c", "a", "a"]);
        assert_eq!(work.load(), Load { running: 0, waiting: 0, refused: 0 });
    }

    #[tokio::test]
    async fn too_much_work_of_one_person_is_refused_and_others_still_wait() {
        let work = one_place();
        let _first = work.turn("first").await.unwrap();
        let mut tasks = Vec::new();
        for number in 0..WAITING_OF_ONE {
            let work_of = work.clone();
            tasks.push(tokio::spawn(async move { work_of.turn("a").await.map(drop) }));
            until(&work, number + 1).await;
        }
        let Err(Error::Refused(problem)) = work.turn("a").await else { panic!("one more of the same person") };
        assert_eq!(problem.code, Code::TooManyRequests);
        assert!(problem.extra.contains_key("retry_after_seconds"));
        let other = tokio::spawn({
            let work = work.clone();
            async move { work.turn("b").await.map(drop) }
        });
        until(&work, WAITING_OF_ONE + 1).await;
        // Those who leave make room.
        tasks.drain(..4).for_each(|task| task.abort());
        until(&work, WAITING_OF_ONE - 3).await;
        assert!(!other.is_finished());
        assert_eq!(work.load().refused, 1);
    }

    #[tokio::test]
    async fn waiting_too_long_is_refused_and_leaving_frees_the_place() {
        let work = HeavyWork::with_places(1, Duration::from_millis(20));
        let first = work.turn("first").await.unwrap();
        assert!(matches!(work.turn("late").await, Err(Error::Refused(problem)) if problem.status == 429));
        let left = timeout(Duration::from_millis(1), work.turn("left")).await;
        assert!(left.is_err());
        drop(first);
        assert_eq!(work.run("next", || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_step_that_panics_frees_its_place() {
        let work = one_place();
        assert!(matches!(work.run("a", || panic!("on purpose")).await, Err::<(), _>(Error::Internal(_))));
        assert_eq!(work.run("a", || 1).await.unwrap(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_step_whose_caller_left_keeps_its_place_until_it_ends() {
        let work = one_place();
        let (end, ended) = mpsc::channel::<()>();
        let caller = tokio::spawn({
            let work = work.clone();
            async move { work.run("a", move || ended.recv()).await.map(drop) }
        });
        while work.load().running == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        caller.abort();
        let _aborted = caller.await;
        assert_eq!(work.load().running, 1);
        end.send(()).unwrap();
        assert_eq!(work.run("b", || 2).await.unwrap(), 2);
    }
}
