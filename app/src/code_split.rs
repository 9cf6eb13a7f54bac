//! The parts of the browser side. A first visit fetches the frame, the sign-in and the first page; the code of another
//! page is fetched when it is first opened.
//!
//! Each function below is where the build cuts: what only it reaches becomes a file of its own, named after the part.
//! On the server, which has everything, it is a plain call. Parts are few, since what several of them need becomes a file for
//! every combination.

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_split::{self, SplitLoaderError, wasm_split},
};
use leptos_router::LazyRoute;
use lifecycle::problem::Code;

use crate::{
    error::AppError,
    pages::{
        audit::Audit,
        decisions::{Decisions, detail::DecisionPage},
        drills::Drills,
        incidents::{Incidents, detail::IncidentPage},
        kpis::Kpis,
        reviews::{Reviews, packet::PacketPage},
        rollouts::Rollouts,
        settings::Settings,
        studio::{Studio, editor::Editor},
    },
};

/// How many pages are on their way. The frame shows it.
#[derive(Debug, Clone, Copy)]
pub struct PendingNavigation(RwSignal<u32>);

impl PendingNavigation {
    /// Whether a page is on its way; tracked.
    pub fn any(self) -> bool {
        self.0.get() > 0
    }
}

/// Called once, by the app.
pub fn provide_on_the_way() {
    provide_context(PendingNavigation(RwSignal::new(0)));
}

/// Fetches the code of a page that is about to be shown.
async fn arrive(fetched: impl Future<Output = Result<(), SplitLoaderError>>) {
    let first = Owner::current_shared_context().is_some_and(|shared| shared.during_hydration());
    let shown = if cfg!(feature = "ssr") || first { None } else { use_context::<PendingNavigation>() };
    let _counted = Counted::new(shown);
    if fetched.await.is_err() && first {
        // The page that the server rendered stays as it is: its links and forms work without scripts.
        std::future::pending::<()>().await;
    }
    // Another failure is one of the view, too, and stands in its place.
}

/// Counts one page for as long as it lives, also when its navigation is given up for another.
struct Counted(Option<PendingNavigation>);

impl Counted {
    fn new(shown: Option<PendingNavigation>) -> Self {
        if let Some(PendingNavigation(count)) = shown {
            count.update(|count| *count += 1);
        }
        Self(shown)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(PendingNavigation(count)) = self.0 {
            let _ = count.try_update(|count| *count = count.saturating_sub(1));
        }
    }
}

/// Fetches the code of a place of the rail, for somebody who is about to go there.
pub fn fetch_ahead(path: &'static str) {
    spawn_local(async move {
        // Whoever goes there is told when it cannot be had.
        let _ = match path {
            "/studio" | "/rollouts" | "/decisions" | "/incidents" => fetch_rollouts().await,
            "/reviews" => fetch_reviews().await,
            "/drills" | "/kpis" | "/audit" | "/settings" => fetch_settings().await,
            _ => Ok(()),
        };
    });
}

/// Stands where a page whose code could not be fetched would be.
fn not_fetched(_: SplitLoaderError) -> AnyView {
    let error = AppError::new(
        Code::Unavailable,
        "A part of Countersign could not be fetched. The connection may be lost, or Countersign was updated meanwhile.",
    );
    view! {
        <h1>"This page cannot be shown"</h1>
        <crate::components::ErrorPanel error=error />
        <a class="button" href="" rel="external">
            "Try again"
        </a>
    }
    .into_any()
}

/// `Name, part, open, fetch => view`: the route `Name`, whose view comes with the file `part`.
macro_rules! parts {
    ($($(#[$doc:meta])* $route:ident, $part:ident, $open:ident, $fetch:ident => $page:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $route;

        impl LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                $open().await.unwrap_or_else(not_fetched)
            }

            async fn preload() {
                arrive($fetch()).await;
            }
        }

        #[wasm_split($part, fallible, preload($fetch), wasm_split_path = wasm_split)]
        fn $open() -> Result<AnyView, SplitLoaderError> {
            Ok(view! { <$page /> }.into_any())
        }
    )*};
}

parts! {
    /// The bundles.
    StudioRoute, lists, open_studio, fetch_studio => Studio;
    /// The editor of one bundle, with lint and replay.
    EditorRoute, editor, open_editor, fetch_editor => Editor;
    /// The packets that wait.
    ReviewsRoute, reviews, open_reviews, fetch_reviews => Reviews;
    /// One packet, with its replay.
    PacketRoute, reviews, open_packet, fetch_packet => PacketPage;
    /// What is rolled out.
    RolloutsRoute, lists, open_rollouts, fetch_rollouts => Rollouts;
    /// The rehearsals of a rollback.
    DrillsRoute, workspace, open_drills, fetch_drills => Drills;
    /// The decision log.
    DecisionsRoute, lists, open_decisions, fetch_decisions => Decisions;
    /// One decision.
    DecisionRoute, lists, open_decision, fetch_decision => DecisionPage;
    /// The incidents.
    IncidentsRoute, lists, open_incidents, fetch_incidents => Incidents;
    /// One incident.
    IncidentRoute, lists, open_incident, fetch_incident => IncidentPage;
    /// The figures of the workspace.
    KpisRoute, workspace, open_kpis, fetch_kpis => Kpis;
    /// The audit record.
    AuditRoute, workspace, open_audit, fetch_audit => Audit;
    /// The settings.
    SettingsRoute, workspace, open_settings, fetch_settings => Settings;
}
