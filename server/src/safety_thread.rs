//! A thread for the loops that keep what is served in step with the database and roll back a canary that does harm. Whatever
//! keeps the threads of requests busy does not hold these loops up.

use std::{io, sync::Arc, thread};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// The thread, which runs as long as one clone of this lives. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SafetyThread {
    handle: Handle,
    _lives: Arc<oneshot::Sender<()>>,
}

impl SafetyThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (lives, over) = oneshot::channel();
        thread::Builder::new().name("safety".to_owned()).spawn(move || {
            // An error means that the sender is gone, which is what this waits for.
            let _over = runtime.block_on(over);
        })?;
        Ok(Self { handle, _lives: Arc::new(lives) })
    }

    /// Where to spawn the loops.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}
