//! Reading the live state.

use const_format::concatcp;
use lifecycle::{
    authority::{Actor, Permission, authorize},
    bundle::Record,
    rollout::watch::FRESH,
    system::System,
};
use policy::bundle::Effect;
use sqlx::postgres::PgListener;

use super::{
    serving::{arms, read},
    switches::switches,
};
use crate::{
    Result, Store,
    bundles::{
        is_fresh, last_known_good,
        row::{self as bundle_row, Row},
    },
};

/// The channel on which every change of the live state is announced.
pub const CHANNEL: &str = "countersign_live";

/// Everything that a server needs to answer decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The bundle at 100 %.
    pub stable: Option<Record>,
    /// The canary or the shadow (0 %).
    pub canary: Option<Record>,
    /// The last known good bundle, in the first day of stable at 100 % and while there is no canary: it is evaluated too.
    pub previous: Option<Record>,
    /// Whether evaluation is on.
    pub enabled: bool,
    /// The effect of every answer while evaluation is off.
    pub bypass_effect: Effect,
    /// Whether a safety pause is in force.
    pub paused: bool,
}

/// The mark of the live state: see [`live_mark`].
pub(super) const LIVE_MARK: &str = concatcp!(
    "concat_ws(';',
        (select string_agg(concat_ws(':', id, xmin, revision, canary_pct, active), ',' order by id)
         from policy_bundles where active or state = 'shadow'),
        (select bool_or(stage_started_at > now() - make_interval(secs => ",
    FRESH.as_secs(),
    ")) from policy_bundles where active and canary_pct = 100),
        (select concat_ws(':', enabled, bypass_effect, pause is not null, changed_at) from system_state))"
);

/// The live state, for people.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn get(store: &Store, actor: &Actor) -> Result<System> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    read(&mut db).await
}

/// The live state, for the server that answers decisions. Takes no actor: a server always knows what it serves.
///
/// # Errors
/// The database failed.
pub async fn live(store: &Store) -> Result<Live> {
    let mut db = store.pool().acquire().await?;
    let (stable, canary) = arms(&mut db).await?;
    let switches = switches(&mut db).await?;
    let previous = match stable.as_ref().filter(|_| canary.is_none()) {
        Some(stable) if is_fresh(&mut db, stable).await? => last_known_good(&mut db, stable.id).await?,
        _ => None,
    };
    let previous = match previous {
        Some(id) => Some(bundle_row::by_id(&mut db, id).await?.record()?),
        None => None,
    };
    Ok(Live {
        previous,
        stable: stable.map(Row::record).transpose()?,
        canary: canary.map(Row::record).transpose()?,
        enabled: switches.enabled,
        bypass_effect: switches.bypass_effect,
        paused: switches.pause.is_some(),
    })
}

/// A text that changes whenever the live state changes. Cheap enough for a server to compare every second, in case it
/// missed an announcement.
///
/// # Errors
/// The database failed.
pub async fn live_mark(store: &Store) -> Result<String> {
    Ok(sqlx::query_scalar(concatcp!("select ", LIVE_MARK)).fetch_one(store.pool()).await?)
}

/// A listener that is notified of every change of the live state.
///
/// # Errors
/// No connection could be made.
pub async fn watch(store: &Store) -> Result<PgListener> {
    let mut listener = PgListener::connect_with(store.pool()).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
