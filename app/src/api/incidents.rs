//! Incidents for the pages.

use leptos::prelude::*;
use lifecycle::{Timestamp, authority::Actor, incident::Incident};
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// The list of incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentList {
    /// Newest first.
    pub items: Vec<Incident>,
    /// Who looks.
    pub me: Actor,
    /// The server's now.
    pub as_of: Timestamp,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneIncident {
    /// The incident.
    pub incident: Incident,
    /// Who looks.
    pub me: Actor,
    /// The server's now.
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
pub async fn get_incident(incident_id: String) -> Result<OneIncident, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let incident = store::incidents::get(&store, &me, &incident_id).await?;
    Ok(OneIncident { incident, me, as_of: crate::context::now() })
}

/// Takes an incident.
#[server(prefix = "/api", endpoint = "incidents/acknowledge", output = Reply)]
pub async fn acknowledge_incident(incident_id: String) -> Result<(), AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    store::incidents::acknowledge(&store, &me, &incident_id).await?;
    Ok(())
}
