//! Agents of the example workspace at work: they ask, wait for approvals, act, and report what came of it. They ask as any
//! program does, with the service's token, and stop with the server.

use std::{fs, path::Path, time::Duration};

use axum::body::Body;
use http::{Request, header};
use lifecycle::authority::Role;
use policy::{engine::Input, random::Random};
use serde_json::{Value, json};
use store::demo::{self, DemoCredentials};
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    demo::FILE,
    http::routes::evaluate,
    state::AppState,
};

/// How often an agent asks.
const EVERY: Duration = Duration::from_secs(3);
/// How many calls wait for people at a time; further ones are not asked about.
const MOST_WAITING: usize = 4;
/// How many subjects the agents act on.
const SUBJECTS: usize = 600;
/// The largest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;

/// A call that waits for people.
struct Waiting {
    approval: String,
    call: Value,
}

/// Starts the agents.
pub fn start(state: &AppState, data_dir: &Path) {
    let token = fs::read(data_dir.join(FILE))
        .ok()
        .and_then(|text| serde_json::from_slice::<DemoCredentials>(&text).ok())
        .and_then(|all| all.0.into_iter().find(|one| one.roles.contains(&Role::Service)));
    let Some(service) = token else {
        tracing::warn!("the agents of the example have no token, so they ask nothing");
        return;
    };
    let agents = Agents { state: state.clone(), token: service.token, waiting: Vec::new(), random: seeded() };
    tokio::spawn(agents.run());
}

fn seeded() -> Random {
    Random::new(u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default())
}

struct Agents {
    state: AppState,
    token: String,
    waiting: Vec<Waiting>,
    random: Random,
}

impl Agents {
    async fn run(mut self) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.state.store.pool().is_closed() {
            ticks.tick().await;
            self.ask_something().await;
            self.go_on().await;
        }
    }

    async fn ask_something(&mut self) {
        let now = OffsetDateTime::now_utc().into();
        let Input { agent, action, context } = demo::question(&mut self.random, now);
        let subject = format!("account-{:03}", self.random.below(SUBJECTS));
        let call = json!({"agent": agent, "action": action, "context": context, "subject": subject});
        let mut asked = call.clone();
        asked["request_approval"] = json!(self.waiting.len() < MOST_WAITING);
        let Some(answer) = self.evaluate(&asked).await else { return };
        if let Some(approval) = answer["approval"]["id"].as_str().filter(|_| answer["effect"] == "needs_approval") {
            if self.waiting.iter().all(|waiting| waiting.approval != approval) {
                self.waiting.push(Waiting { approval: approval.to_owned(), call });
            }
        } else if answer["effect"] == "allow" {
            self.act(&answer).await;
        }
    }

    /// Looks what became of the calls that wait: who was approved goes on.
    async fn go_on(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            let mut call = waiting.call.clone();
            call["approval"] = json!(waiting.approval);
            // Asked in the place of a poll, so that what is denied is learned in the same way.
            let Some(status) = self.status(&waiting.approval).await else {
                self.waiting.push(waiting);
                continue;
            };
            match status.as_str() {
                "pending" => self.waiting.push(waiting),
                "approved" => {
                    if let Some(answer) = self.evaluate(&call).await.filter(|answer| answer["effect"] == "allow") {
                        self.act(&answer).await;
                    }
                }
                _ => {}
            }
        }
    }

    async fn status(&self, approval: &str) -> Option<String> {
        let caller = self.caller().await?;
        let request = store::approvals::get(&self.state.store, &caller, approval).await.ok()?;
        Some(request.status.name().to_owned())
    }

    async fn caller(&self) -> Option<lifecycle::authority::Actor> {
        let caller = self.state.live.tokens.caller(&self.token, || Ok(())).await.ok()?;
        caller.actor.clone()
    }

    async fn evaluate(&self, call: &Value) -> Option<Value> {
        let request = Request::post("/policy/evaluate")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Body::from(call.to_string()))
            .ok()?;
        let answer = evaluate::answer(&self.state.live, request).await.ok()?;
        let body = axum::body::to_bytes(answer.into_body(), MAX_ANSWER).await.ok()?;
        serde_json::from_slice(&body).ok()
    }

    /// Acts, and reports what came of it.
    async fn act(&mut self, answer: &Value) {
        let outcome = demo::outcome(&mut self.random, answer["budget"]["cost"].as_f64());
        if let (Some(caller), Some(id)) = (self.caller().await, answer["decision_id"].as_str())
            && let Err(error) = store::decisions::report_outcome(&self.state.store, &caller, id, outcome).await
        {
            tracing::debug!(%error, "an agent of the example cannot report");
        }
    }
}
