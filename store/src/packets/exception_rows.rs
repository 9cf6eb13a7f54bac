//! The signatures on exceptions as they are stored.

use lifecycle::{
    authority::{HeldRoles, Role},
    review::Exception,
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{Result, names};

/// The standing in which everybody holds the roles that they signed with.
pub(super) fn standing_as_signed(exceptions: &[Exception]) -> HeldRoles {
    HeldRoles::of(exceptions.iter().map(|given| (given.actor.clone(), given.roles.iter().copied().collect())))
}

#[derive(sqlx::FromRow)]
struct Row {
    packet_id: String,
    guardrail: String,
    reason: String,
    actor: String,
    roles: Vec<String>,
    at: OffsetDateTime,
    key_id: String,
    signature: String,
}

/// The signatures on exceptions of a packet, oldest first.
pub(super) async fn of_packet(db: &mut PgConnection, packet_row: i64) -> Result<Vec<Exception>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select packet_id, guardrail, reason, actor, roles, at, key_id, signature
         from policy_packet_exceptions where packet_row = $1 order by id",
    )
    .bind(packet_row)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Exception {
                packet_id: row.packet_id,
                guardrail: names::read(&row.guardrail)?,
                reason: row.reason,
                actor: row.actor,
                roles: row.roles.iter().map(|role| names::read(role)).collect::<Result<_>>()?,
                at: row.at.into(),
                key_id: row.key_id,
                signature: row.signature,
            })
        })
        .collect()
}

/// Stores a signed exception.
pub(super) async fn insert(db: &mut PgConnection, packet_row: i64, exception: &Exception) -> Result<()> {
    let roles: Vec<&str> = exception.roles.iter().copied().map(Role::name).collect();
    sqlx::query(
        "insert into policy_packet_exceptions (packet_row, packet_id, guardrail, reason, actor, roles, at, key_id, signature)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(packet_row)
    .bind(&exception.packet_id)
    .bind(exception.guardrail.name())
    .bind(&exception.reason)
    .bind(&exception.actor)
    .bind(&roles[..])
    .bind(OffsetDateTime::from(exception.at))
    .bind(&exception.key_id)
    .bind(&exception.signature)
    .execute(db)
    .await?;
    Ok(())
}
