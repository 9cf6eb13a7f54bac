//! An axum handler that reads a body and answers a small JSON: the floor for a service. `empty ADDRESS`

use std::process::ExitCode;

use axum::{Router, body::Bytes, http::header::CONTENT_TYPE};

#[tokio::main]
async fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let answer = |body: Bytes| async move {
        std::hint::black_box(body);
        ([(CONTENT_TYPE, "application/json")], r#"{"effect":"allow"}"#)
    };
    let app = Router::new().fallback(answer);
    let served = match tokio::net::TcpListener::bind(&address).await {
        Ok(listener) => axum::serve(listener, app).await,
        Err(error) => Err(error),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{address}: {error}");
            ExitCode::FAILURE
        }
    }
}
