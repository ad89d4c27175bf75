//! Whether the process lives, and whether it can work.

use axum::{Json, extract::State as Shared, http::StatusCode};
use serde_json::{Value, json};

use super::router::State;
use crate::status::Readiness;

/// Answering is the proof.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// 503 with the reasons while the node cannot work.
pub(super) async fn ready(Shared(state): Shared<State>) -> (StatusCode, Json<Readiness>) {
    let readiness = state.board.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}
