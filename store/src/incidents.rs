//! Incidents.

use lifecycle::{
    Page,
    authority::Actor,
    incident::{Incident, Severity, Status},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Store};

/// Which incidents to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// With this status.
    pub status: Option<Status>,
    /// With this severity.
    pub severity: Option<Severity>,
    /// About this bundle.
    pub bundle_id: Option<i64>,
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// The body of `POST /incidents`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewIncident {
    /// What it is about, in a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// What raised it; `manual` when absent.
    #[serde(default)]
    pub source: Option<String>,
    /// The agent concerned.
    #[serde(default)]
    pub agent: Option<String>,
    /// The bundle concerned.
    #[serde(default)]
    pub bundle_id: Option<i64>,
    /// What is known.
    #[serde(default)]
    pub description: String,
}

/// Incidents, newest first.
pub async fn list(_store: &Store, _actor: &Actor, _filter: &Filter) -> Result<Page<Incident>> {
    Err(Error::Internal("incidents::list".into()))
}

/// One incident.
pub async fn get(_store: &Store, _actor: &Actor, _id: &str) -> Result<Incident> {
    Err(Error::Internal("incidents::get".into()))
}

/// Opens an incident.
pub async fn create(_store: &Store, _actor: &Actor, _new: NewIncident) -> Result<Incident> {
    Err(Error::Internal("incidents::create".into()))
}

/// Takes an open incident. Taking one that is taken changes nothing.
pub async fn acknowledge(_store: &Store, _actor: &Actor, _id: &str) -> Result<Incident> {
    Err(Error::Internal("incidents::acknowledge".into()))
}
