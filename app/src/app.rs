//! The routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{components::ToastRegion, frame::Frame, pages};

/// The whole app. Every page is rendered completely on the server, so it can be read without JavaScript.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    crate::components::toast::provide_toasts();
    crate::frame::live::provide_live();
    Effect::new(|_| mark_hydrated());

    view! {
        <Title formatter=title />
        <Router>
            <Routes fallback=|| view! { <pages::not_found::NotFound /> }>
                <Route path=path!("/sign-in") view=pages::sign_in::SignIn ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=pages::home::Home ssr=SsrMode::Async />
                    <Route path=path!("/studio") view=pages::studio::Studio ssr=SsrMode::Async />
                    <Route path=path!("/studio/:bundle_id") view=pages::studio::editor::Editor ssr=SsrMode::Async />
                    <Route path=path!("/reviews") view=pages::reviews::Reviews ssr=SsrMode::Async />
                    <Route path=path!("/reviews/:packet_id") view=pages::reviews::packet::PacketPage ssr=SsrMode::Async />
                    <Route path=path!("/rollouts") view=pages::rollouts::Rollouts ssr=SsrMode::Async />
                    <Route path=path!("/drills") view=pages::drills::Drills ssr=SsrMode::Async />
                    <Route path=path!("/decisions") view=pages::decisions::Decisions ssr=SsrMode::Async />
                    <Route path=path!("/decisions/:decision_id") view=pages::decisions::one::DecisionPage ssr=SsrMode::Async />
                    <Route path=path!("/incidents") view=pages::incidents::Incidents ssr=SsrMode::Async />
                    <Route path=path!("/incidents/:incident_id") view=pages::incidents::one::IncidentPage ssr=SsrMode::Async />
                    <Route path=path!("/kpis") view=pages::kpis::Kpis ssr=SsrMode::Async />
                    <Route path=path!("/audit") view=pages::audit::Audit ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=pages::settings::Settings ssr=SsrMode::Async />
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

/// Tells tests (and styles) that the page answers clicks.
fn mark_hydrated() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "true");
    }
}
