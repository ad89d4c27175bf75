//! What may be asked of the node beside its state: pausing a function and resuming it.

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::{HeaderMap, StatusCode, header},
};

use super::{api::unknown_function, error::ApiError, router::State};
use crate::{commands::Command, status::FunctionStatus};

/// Accepted, with the function's status as it still is: watch its `state`.
type Accepted = (StatusCode, Json<FunctionStatus>);

pub(super) async fn pause(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Accepted, ApiError> {
    give(&state, &name, &headers, |function| Command::Pause { function })
}

pub(super) async fn resume(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Accepted, ApiError> {
    give(&state, &name, &headers, |function| Command::Resume { function })
}

fn give(
    state: &State,
    name: &str,
    headers: &HeaderMap,
    command: impl FnOnce(String) -> Command,
) -> Result<Accepted, ApiError> {
    // Browsers say this with every such request. A page that somebody looks at must not command the node beside it.
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "from_a_browser",
            "commands are not taken from web pages".to_owned(),
            "use `eddyline pause` and `eddyline resume`, or a client that sends no Origin",
        ));
    }
    let status = state.board.function(name).ok_or_else(|| unknown_function(name))?;
    if !state.commands.give(command(name.to_owned())) {
        return Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "starting",
            "the node is starting and takes no commands yet".to_owned(),
            "try again when /health/ready says so",
        ));
    }
    Ok((StatusCode::ACCEPTED, Json(status)))
}
