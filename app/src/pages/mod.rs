//! The pages, one file or folder per page.

pub mod approvals;
pub mod audit;
pub mod decisions;
pub mod drills;
pub mod home;
pub mod incidents;
pub mod join;
pub mod kpis;
pub mod not_found;
pub mod reviews;
pub mod rollouts;
pub mod settings;
pub mod sign_in;
pub mod studio;
pub mod you;
