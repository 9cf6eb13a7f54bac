//! The routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{code_split, components::ToastRegion, frame::Frame, navigation::provide_navigation, pages};

/// The whole app. Every page is rendered completely on the server, so that it can be read without JavaScript.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    crate::components::toast::provide_toasts();
    crate::frame::live_updates::provide_live();
    provide_navigation(code_split::prefetch);

    view! {
        <Title formatter=title />
        <Router>
            <Routes fallback=|| view! { <pages::not_found::NotFound /> }>
                <Route path=path!("/sign-in") view=pages::sign_in::SignIn ssr=SsrMode::Async />
                <Route path=path!("/join") view={Lazy::<code_split::JoinRoute>::new()} ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=pages::home::Home ssr=SsrMode::Async />
                    <Route path=path!("/approvals/:approval_id?") view={Lazy::<code_split::ApprovalsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/studio") view={Lazy::<code_split::StudioRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/studio/:bundle_id") view={Lazy::<code_split::EditorRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/reviews") view={Lazy::<code_split::ReviewsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/reviews/:packet_id") view={Lazy::<code_split::PacketRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/rollouts") view={Lazy::<code_split::RolloutsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/drills") view={Lazy::<code_split::DrillsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/decisions") view={Lazy::<code_split::DecisionsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/decisions/:decision_id") view={Lazy::<code_split::DecisionRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/incidents") view={Lazy::<code_split::IncidentsRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/incidents/:incident_id") view={Lazy::<code_split::IncidentRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/kpis") view={Lazy::<code_split::KpisRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/audit") view={Lazy::<code_split::AuditRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/me") view={Lazy::<code_split::YouRoute>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/settings") view={Lazy::<code_split::SettingsRoute>::new()} ssr=SsrMode::Async />
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
