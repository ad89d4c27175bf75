//! The state of the node and its functions, as JSON.

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::StatusCode,
};
use serde::Serialize;

use super::{error::ApiError, router::State};
use crate::status::{FunctionStatus, NodeReport};

#[derive(Serialize)]
pub(super) struct Functions {
    functions: Vec<FunctionStatus>,
}

pub(super) async fn node(Shared(state): Shared<State>) -> Json<NodeReport> {
    Json(state.board.report())
}

pub(super) async fn functions(Shared(state): Shared<State>) -> Json<Functions> {
    Json(Functions { functions: state.board.functions() })
}

pub(super) async fn function(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
) -> Result<Json<FunctionStatus>, ApiError> {
    state.board.function(&name).map(Json).ok_or_else(|| unknown_function(&name))
}

pub(super) fn unknown_function(name: &str) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "unknown_function",
        format!("this node has no function {name:?}"),
        "GET /api/v1/functions lists them all",
    )
}
