//! What may be asked of the node beside its state: pausing a function, resuming it, and moving its positions.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State as Shared},
    http::{HeaderMap, StatusCode, header},
};
use serde::Serialize;

use super::{api::unknown_function, error::ApiError, router::State};
use crate::{
    commands::{Answer, Command, Reach, Refusal},
    moves::{Plan, Seek, TARGET_HINT},
    status::FunctionStatus,
};

/// Accepted, with the function's status as it still is: watch its `state`.
#[derive(Serialize)]
pub(super) struct Accepted {
    #[serde(flatten)]
    status: FunctionStatus,
    #[serde(flatten)]
    reach: Option<Reach>,
}

pub(super) async fn pause(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    accepted(give(&state, &name, &headers, |function| Command::Pause { function }).await?)
}

pub(super) async fn resume(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    accepted(give(&state, &name, &headers, |function| Command::Resume { function }).await?)
}

/// Answers when it is done, or with what would be done.
pub(super) async fn seek(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Plan>, ApiError> {
    let seek: Seek = serde_json::from_slice(&body).map_err(|error| {
        let message = format!("the body is not what is to be done: {error}");
        ApiError::new(StatusCode::BAD_REQUEST, "bad_body", message, format!("send {{\"to\": …}}: {TARGET_HINT}"))
    })?;
    let (_, answer) = give(&state, &name, &headers, |function| Command::Seek { function, seek }).await?;
    match answer {
        Answer::Plan(plan) => Ok(Json(plan)),
        Answer::Reach(_) => Err(without_answer()),
    }
}

fn accepted((status, answer): (FunctionStatus, Answer)) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let reach = match answer {
        Answer::Reach(reach) => Some(reach),
        Answer::Plan(_) => None,
    };
    Ok((StatusCode::ACCEPTED, Json(Accepted { status, reach })))
}

/// Hands a command over, and waits for what comes of it without holding up anything else.
async fn give(
    state: &State,
    name: &str,
    headers: &HeaderMap,
    command: impl FnOnce(String) -> Command,
) -> Result<(FunctionStatus, Answer), ApiError> {
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
    let (commands, command) = (state.commands.clone(), command(name.to_owned()));
    let answer = tokio::task::spawn_blocking(move || commands.give(command)).await.map_err(|_| without_answer())?;
    match answer {
        Some(Ok(answer)) => Ok((status, answer)),
        Some(Err(Refusal { code, message, hint })) => {
            let kind = match code {
                "bad_place" | "no_partitions" | "not_supported" => StatusCode::BAD_REQUEST,
                "kafka" | "wishes_unavailable" | "stopping" => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::CONFLICT,
            };
            Err(ApiError::new(kind, code, message, hint))
        }
        None => Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "starting",
            "the node is starting and takes no commands yet".to_owned(),
            "try again when /health/ready says so",
        )),
    }
}

fn without_answer() -> ApiError {
    let message = "the command ended without an answer".to_owned();
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message, "the node's log says more")
}
