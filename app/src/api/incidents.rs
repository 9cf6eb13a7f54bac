//! Incidents for the pages.

use leptos::prelude::*;
use lifecycle::{
    authority::Actor,
    incident::{Incident, Status, Step, post_mortem::PostMortem},
};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// The list of incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentList {
    /// Newest first.
    pub items: Vec<Incident>,
    /// The signed-in person.
    pub me: Actor,
    /// The server's time.
    pub as_of: Timestamp,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// The post-mortem, or a template for it.
    pub post_mortem: PostMortem,
    /// The signed-in person.
    pub me: Actor,
    /// The server's time.
    pub as_of: Timestamp,
}

/// The newest hundred incidents.
#[server(prefix = "/api", endpoint = "incidents/list", output = Reply)]
pub async fn list_incidents() -> Result<IncidentList, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let filter = store::incidents::Filter { limit: Some(100), ..Default::default() };
    let items = store::incidents::list(&store, &me, &filter).await?.items;
    Ok(IncidentList { items, me, as_of: crate::context::now() })
}

/// One incident with its timeline.
#[server(prefix = "/api", endpoint = "incidents/get", output = Reply)]
pub async fn get_incident(incident_id: String) -> Result<IncidentDetail, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let incident = store::incidents::get(&store, &me, &incident_id).await?;
    let post_mortem = store::incidents::post_mortem(&store, &me, &incident_id).await?;
    Ok(IncidentDetail { incident, post_mortem, me, as_of: crate::context::now() })
}

/// Takes the next step of an incident and returns its new status. The note is added to the timeline.
#[server(prefix = "/api", endpoint = "incidents/advance", output = Reply)]
pub async fn advance_incident(
    incident_id: String,
    step: Step,
    #[server(default)] note: String,
) -> Result<Status, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::incidents::advance(&store, &me, &incident_id, step, Some(&note)).await?.status)
}

/// Saves the post-mortem of an incident, based on `revision`.
#[server(prefix = "/api", endpoint = "incidents/save-post-mortem", output = Reply)]
pub async fn save_post_mortem(incident_id: String, revision: i64, markdown: String) -> Result<(), AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    store::incidents::save_post_mortem(&store, &me, &incident_id, Some(revision), &markdown).await?;
    Ok(())
}
