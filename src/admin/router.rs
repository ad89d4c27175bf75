//! Which path is answered by what.

use std::sync::Arc;

use axum::{
    Router,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{api, commands, error::ApiError, health};
use crate::{
    commands::Commands,
    status::Board,
    telemetry::{METRICS_CONTENT_TYPE, Metrics},
};

#[derive(Clone)]
pub(super) struct State {
    pub(super) board: Arc<Board>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) commands: Commands,
}

pub(super) fn router(state: State) -> Router {
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics))
        .route("/api/v1/node", get(api::node))
        .route("/api/v1/functions", get(api::functions))
        .route("/api/v1/functions/{name}", get(api::function))
        .route("/api/v1/functions/{name}/pause", post(commands::pause))
        .route("/api/v1/functions/{name}/resume", post(commands::resume))
        .route("/api/v1/functions/{name}/seek", post(commands::seek))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(state)
}

async fn metrics(axum::extract::State(state): axum::extract::State<State>) -> Response {
    ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], state.metrics.render()).into_response()
}

async fn unknown_path(uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "not_found",
        format!("there is nothing at {}", uri.path()),
        "see /health/ready, /metrics, /api/v1/node and /api/v1/functions",
    )
}

async fn unknown_method(method: Method, uri: Uri) -> ApiError {
    let reads = method != Method::GET && method != Method::HEAD;
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{} does not take {method}", uri.path()),
        if reads { "use GET or HEAD" } else { "use POST" },
    )
}
