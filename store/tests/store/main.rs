//! The store on a real PostgreSQL. One test program, so that one server is started and one binary linked.

mod audit_chain;
mod baseline;
mod decision_log;
mod decisions;
mod demo;
mod drills;
mod evidence;
mod fixtures;
mod guarantees;
mod kpis;
mod machine;
mod pause;
mod people;
mod permissions;
mod private_postgres;
mod races;
mod records;
mod reviews;
mod safeguards;
mod sessions;
mod signers;
mod story;
mod test_cases;
