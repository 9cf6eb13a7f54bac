//! Browser sessions, kept in Postgres.

use async_trait::async_trait;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use crate::Store;

/// The key of the session's data that holds the person's number.
pub const PERSON_ID: &str = "person_id";

/// A session store for `tower-sessions`. Only a hash of the session's id is kept.
#[derive(Debug, Clone)]
pub struct PgSessions {
    _store: Store,
}

impl PgSessions {
    /// Sessions in this store.
    pub fn new(store: Store) -> Self {
        Self { _store: store }
    }
}

#[async_trait]
impl SessionStore for PgSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.save(record).await
    }

    async fn save(&self, _record: &Record) -> session_store::Result<()> {
        Err(session_store::Error::Backend("sessions".into()))
    }

    async fn load(&self, _id: &Id) -> session_store::Result<Option<Record>> {
        Err(session_store::Error::Backend("sessions".into()))
    }

    async fn delete(&self, _id: &Id) -> session_store::Result<()> {
        Err(session_store::Error::Backend("sessions".into()))
    }
}
