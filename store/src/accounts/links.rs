//! One-time links: with one, a person who was invited, or who forgot the password, chooses a password of their own.

use lifecycle::problem::{Code, Problem};
use policy::Timestamp;
use time::OffsetDateTime;

use super::secret::{hash, random_letters};
use crate::{Error, Result, Store, work::Work};

/// Random letters and digits of a link's code.
const CODE_CHARS: usize = 40;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first password of an invited person.
    Invitation,
    /// A new password.
    Reset,
}

impl Kind {
    /// The name used in SQL.
    const fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// How long a link works, in hours.
    const fn hours(self) -> i32 {
        match self {
            Self::Invitation => 7 * 24,
            Self::Reset => 24,
        }
    }
}

/// How a link reaches its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// By mail to the person's own address: nobody else sees it.
    Mail,
    /// By the administrator, who sees it.
    HandOver,
}

/// A link that was just made. Its code is stored nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// The secret of the link.
    pub code: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A link that works, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLink {
    /// The email of the person it is for.
    pub email: String,
    /// The name of the person.
    pub name: String,
    /// Whether it is the first password of an invited person.
    pub invitation: bool,
}

/// The row of a link that works.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub id: i64,
    pub person_id: i64,
    pub kind: String,
    pub handed_over: bool,
}

/// Makes a link for a person. Earlier ones stop working.
pub(super) async fn create(work: &mut Work, person_id: i64, kind: Kind, delivery: Delivery) -> Result<Link> {
    end_all(work, person_id).await?;
    let code = random_letters(CODE_CHARS);
    let by = work.actor().name.clone();
    let expires_at: OffsetDateTime = sqlx::query_scalar(
        "insert into account_links (person_id, kind, code_hash, handed_over, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, now(), now() + make_interval(hours => $6)) returning expires_at",
    )
    .bind(person_id)
    .bind(kind.name())
    .bind(hash(&code))
    .bind(delivery == Delivery::HandOver)
    .bind(by)
    .bind(kind.hours())
    .fetch_one(work.db())
    .await?;
    Ok(Link { code, expires_at: expires_at.into() })
}

/// Ends every link of a person.
pub(super) async fn end_all(work: &mut Work, person_id: i64) -> Result<()> {
    sqlx::query("update account_links set ended_at = now() where person_id = $1 and ended_at is null")
        .bind(person_id)
        .execute(work.db())
        .await?;
    Ok(())
}

/// Finds a link that works. Takes no actor: the person who has the code is the one the link is for.
///
/// # Errors
/// `not_found` for a code that was used or replaced, has expired, never was, or whose person is disabled.
pub async fn open(store: &Store, code: &str) -> Result<OpenLink> {
    let found: Option<(String, String, String)> = sqlx::query_as(
        "select p.email, p.name, l.kind from account_links l join people p on p.id = l.person_id
         where l.code_hash = $1 and l.ended_at is null and l.expires_at > now() and p.enabled",
    )
    .bind(hash(code))
    .fetch_optional(store.pool())
    .await?;
    let (email, name, kind) = found.ok_or_else(gone)?;
    Ok(OpenLink { email, name, invitation: kind == Kind::Invitation.name() })
}

/// The working link with this code, locked until the transaction ends, so that it is used once.
pub(super) async fn find_locked(work: &mut Work, code: &str) -> Result<Row> {
    let row: Option<Row> = sqlx::query_as(
        "select id, person_id, kind, handed_over from account_links
         where code_hash = $1 and ended_at is null and expires_at > now() for update",
    )
    .bind(hash(code))
    .fetch_optional(work.db())
    .await?;
    row.ok_or_else(gone)
}

/// The answer for a link that does not work. It does not say why: the code may be a guess.
pub(super) fn gone() -> Error {
    Problem::new(
        Code::NotFound,
        "this link does not work: it was used, replaced by a newer one, or is too old. Ask an administrator for a new one",
    )
    .into()
}
