//! The one form that every error of the HTTP interface has.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Answered as `{"error": {"code": …, "message": …, "hint": …}}`.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    /// Stable, for programs.
    code: &'static str,
    message: String,
    hint: String,
}

#[derive(Serialize)]
struct Envelope {
    error: Body,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: String, hint: impl Into<String>) -> Self {
        ApiError { status, body: Body { code, message, hint: hint.into() } }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(Envelope { error: self.body })).into_response()
    }
}
