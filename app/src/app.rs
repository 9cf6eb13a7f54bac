//! The routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{components::ToastRegion, frame::Frame, pages, parts};

/// The whole app. Every page is rendered completely on the server, so it can be read without JavaScript.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    crate::components::toast::provide_toasts();
    crate::frame::live::provide_live();
    parts::provide_on_the_way();

    view! {
        <Title formatter=title />
        <Router>
            <Routes fallback=|| view! { <pages::not_found::NotFound /> }>
                <Route path=path!("/sign-in") view=pages::sign_in::SignIn ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=pages::home::Home ssr=SsrMode::Async />
                    <Route path=path!("/studio") view={Lazy::<parts::StudioRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/studio/:bundle_id") view={Lazy::<parts::EditorRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/reviews") view={Lazy::<parts::ReviewsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/reviews/:packet_id") view={Lazy::<parts::PacketRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/rollouts") view={Lazy::<parts::RolloutsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/drills") view={Lazy::<parts::DrillsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/decisions") view={Lazy::<parts::DecisionsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/decisions/:decision_id") view={Lazy::<parts::DecisionRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/incidents") view={Lazy::<parts::IncidentsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/incidents/:incident_id") view={Lazy::<parts::IncidentRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/kpis") view={Lazy::<parts::KpisRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/audit") view={Lazy::<parts::AuditRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/settings") view={Lazy::<parts::SettingsRoute>::new()} ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
            <ToastRegion />
        </Router>
    }
}

/// `Home · Countersign`
fn title(page: String) -> String {
    if page.is_empty() { "Countersign".to_owned() } else { format!("{page} · Countersign") }
}
