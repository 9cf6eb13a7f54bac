//! What is remembered.

pub mod postgres;
