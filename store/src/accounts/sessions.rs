//! Browser sessions, stored in Postgres.

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use crate::{Store, json};

/// The key of the session's data that holds the person's number.
pub const PERSON_ID: &str = "person_id";

/// A session store for `tower-sessions`. Only a hash of the session's id is stored, so that a reader of the table
/// cannot take over a session.
#[derive(Debug, Clone)]
pub struct PgSessions {
    store: Store,
}

impl PgSessions {
    /// The sessions in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Removes sessions that have expired; returns how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_expired(&self) -> crate::Result<u64> {
        let done = sqlx::query("delete from sessions where expires_at <= now()").execute(self.store.pool()).await?;
        Ok(done.rows_affected())
    }
}

#[async_trait]
impl SessionStore for PgSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // 128 random bits do not collide in practice; if they ever do, another id is drawn.
        for _attempt in 0..3 {
            let done = sqlx::query(
                "insert into sessions (id_hash, person_id, data, expires_at) values ($1, $2, $3::json, $4)
                 on conflict (id_hash) do nothing",
            )
            .bind(hash(&record.id))
            .bind(person_id(record))
            .bind(json::text(&record.data).map_err(unwritable)?)
            .bind(record.expiry_date)
            .execute(self.store.pool())
            .await
            .map_err(backend)?;
            if done.rows_affected() == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(session_store::Error::Backend("no free session id".into()))
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        // An update, not an upsert: a session that was ended meanwhile must not come back.
        sqlx::query("update sessions set person_id = $2, data = $3::json, expires_at = $4 where id_hash = $1")
            .bind(hash(&record.id))
            .bind(person_id(record))
            .bind(json::text(&record.data).map_err(unwritable)?)
            .bind(record.expiry_date)
            .execute(self.store.pool())
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let row: Option<(Json<std::collections::HashMap<String, Value>>, OffsetDateTime)> =
            sqlx::query_as("select data, expires_at from sessions where id_hash = $1 and expires_at > now()")
                .bind(hash(id))
                .fetch_optional(self.store.pool())
                .await
                .map_err(backend)?;
        Ok(row.map(|(data, expiry_date)| Record { id: *id, data: data.0, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        sqlx::query("delete from sessions where id_hash = $1")
            .bind(hash(id))
            .execute(self.store.pool())
            .await
            .map_err(backend)?;
        Ok(())
    }
}

fn hash(id: &Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

fn person_id(record: &Record) -> Option<i64> {
    record.data.get(PERSON_ID).and_then(Value::as_i64)
}

fn unwritable(error: crate::Error) -> session_store::Error {
    session_store::Error::Encode(error.to_string())
}

fn backend(error: sqlx::Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
