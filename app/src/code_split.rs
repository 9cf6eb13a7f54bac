//! Splits the browser's WebAssembly into chunks. A first visit fetches the frame, the sign-in and the first page; the
//! code of another page is fetched when that page is first opened.
//!
//! The build splits at each `wasm_split` function below: code that only this function reaches goes into a file named
//! after the chunk. On the server, which has all the code, the function is a plain call. There are few chunks, because
//! code that several chunks share becomes one file for each combination.

use leptos::{
    prelude::*,
    task::spawn_local,
    wasm_split::{self, SplitLoaderError, wasm_split},
};
use leptos_router::LazyRoute;
use lifecycle::problem::Code;

use crate::{
    error::AppError,
    navigation::{PendingNavigation, PendingPage},
    pages::{
        approvals::Approvals,
        audit::Audit,
        decisions::{Decisions, detail::DecisionPage},
        drills::Drills,
        incidents::{Incidents, detail::IncidentPage},
        join::Join,
        kpis::Kpis,
        reviews::{Reviews, packet::PacketPage},
        rollouts::Rollouts,
        settings::Settings,
        studio::{Studio, editor::Editor},
        you::You,
    },
};

/// Waits for the code of a page that is about to be shown.
async fn await_chunk(fetched: impl Future<Output = Result<(), SplitLoaderError>>) {
    let first = Owner::current_shared_context().is_some_and(|shared| shared.during_hydration());
    let pending = if cfg!(feature = "ssr") || first { None } else { use_context::<PendingNavigation>() };
    let _counted = PendingPage::new(pending);
    if fetched.await.is_err() && first {
        // The server-rendered page stays as it is: its links and forms work without scripts.
        std::future::pending::<()>().await;
    }
    // For any other failure the view fails too, and shows the error.
}

/// Fetches the code of the page at `path`, before a click on its link.
pub fn prefetch(path: &'static str) {
    spawn_local(async move {
        // A failure is reported when the page is opened.
        let _ = match path {
            "/approvals" | "/studio" | "/rollouts" | "/decisions" | "/incidents" => fetch_rollouts().await,
            "/reviews" => fetch_reviews().await,
            "/drills" | "/kpis" | "/audit" | "/settings" | "/me" => fetch_settings().await,
            _ => Ok(()),
        };
    });
}

/// The page shown in place of one whose code could not be fetched.
fn fetch_failed(_: SplitLoaderError) -> AnyView {
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

/// `Route, chunk, open, fetch => Page`: the lazy route `Route`, whose page is in the file `chunk`.
macro_rules! split_routes {
    ($($(#[$doc:meta])* $route:ident, $chunk:ident, $open:ident, $fetch:ident => $page:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $route;

        impl LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                $open().await.unwrap_or_else(fetch_failed)
            }

            async fn preload() {
                await_chunk($fetch()).await;
            }
        }

        #[wasm_split($chunk, fallible, preload($fetch), wasm_split_path = wasm_split)]
        fn $open() -> Result<AnyView, SplitLoaderError> {
            Ok(view! { <$page /> }.into_any())
        }
    )*};
}

split_routes! {
    /// The approval requests of agents.
    ApprovalsRoute, lists, open_approvals, fetch_approvals => Approvals;
    /// The bundles.
    StudioRoute, lists, open_studio, fetch_studio => Studio;
    /// The editor of one bundle, with lint and replay.
    EditorRoute, editor, open_editor, fetch_editor => Editor;
    /// The review queue.
    ReviewsRoute, reviews, open_reviews, fetch_reviews => Reviews;
    /// One packet, with its replay.
    PacketRoute, reviews, open_packet, fetch_packet => PacketPage;
    /// Rollouts.
    RolloutsRoute, lists, open_rollouts, fetch_rollouts => Rollouts;
    /// Rollback drills.
    DrillsRoute, workspace, open_drills, fetch_drills => Drills;
    /// The decision log.
    DecisionsRoute, lists, open_decisions, fetch_decisions => Decisions;
    /// One decision.
    DecisionRoute, lists, open_decision, fetch_decision => DecisionPage;
    /// The incidents.
    IncidentsRoute, lists, open_incidents, fetch_incidents => Incidents;
    /// One incident.
    IncidentRoute, lists, open_incident, fetch_incident => IncidentPage;
    /// Key figures.
    KpisRoute, workspace, open_kpis, fetch_kpis => Kpis;
    /// The audit record.
    AuditRoute, workspace, open_audit, fetch_audit => Audit;
    /// The settings.
    SettingsRoute, workspace, open_settings, fetch_settings => Settings;
    /// The choice of a password with a one-time link.
    JoinRoute, workspace, open_join, fetch_join => Join;
    /// One's own account.
    YouRoute, workspace, open_you, fetch_you => You;
}
