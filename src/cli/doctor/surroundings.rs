//! What lies around a node: its configuration, its functions, its brokers, its address.

use std::{net::TcpListener, time::Duration};

use super::check::Check;
use crate::{
    cli::{failure::Failure, traffic, validate},
    config::{Loaded, NodeConfig, Origin},
    kafka::Topics,
};

/// How long the brokers may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn configuration(loaded: Result<Loaded, Failure>) -> (NodeConfig, Check) {
    const NAME: &str = "configuration";
    match loaded {
        Ok(loaded) => {
            let set = loaded.settings.iter().filter(|setting| setting.origin != Origin::Default).count();
            let file = loaded.settings.iter().find_map(|setting| match &setting.origin {
                Origin::File(file) => Some(file.display().to_string()),
                _ => None,
            });
            let found = match file {
                Some(file) => format!("{set} keys are set, in {file} and around it"),
                None if set == 0 => "defaults only".to_owned(),
                None => format!("{set} keys are set, by environment and flags"),
            };
            (loaded.config, Check::good(NAME, found))
        }
        Err(failure) => {
            let advice = "the other checks took the defaults; `eddyline config` shows the place";
            (NodeConfig::default(), Check::failed(NAME, failure.to_string().trim().replace('\n', " "), advice))
        }
    }
}

pub(super) fn functions(config: &NodeConfig) -> Check {
    const NAME: &str = "functions";
    let path = &config.functions.path;
    if !path.is_dir() {
        let advice = "`eddyline new` writes a function; --functions names another folder";
        return Check::warning(NAME, format!("{} is no folder", path.display()), advice);
    }
    let reports = match validate::check(path, &config.limits) {
        Ok(reports) => reports,
        Err(error) => return Check::failed(NAME, format!("{error:#}"), "let the node read the folder"),
    };
    let broken: Vec<&str> =
        reports.iter().filter(|report| report.diagnostics.has_errors()).map(|report| &report.name[..]).collect();
    let found = format!("{} in {}", reports.len(), path.display());
    match (broken.is_empty(), reports.is_empty()) {
        (true, false) => Check::good(NAME, format!("{found}, all in order")),
        (true, true) => Check::warning(NAME, found, "`eddyline new` writes one"),
        (false, _) => {
            let found = format!("{found}, broken: {}", broken.join(", "));
            Check::failed(NAME, found, "`eddyline validate` shows what is wrong, and where")
        }
    }
}

pub(super) fn brokers(config: &NodeConfig) -> Check {
    const NAME: &str = "brokers";
    let settings = match traffic::settings(config) {
        Ok(settings) => settings,
        Err(_) => {
            let advice = "`run` needs them: set kafka.brokers, or use `eddyline dev`, which brings its own";
            return Check::warning(NAME, "none are configured", advice);
        }
    };
    let found = Topics::new(&settings, None).and_then(|topics| topics.list(PATIENCE));
    match found {
        Ok(topics) => Check::good(NAME, format!("{} answers, with {} topics", settings.brokers, topics.len())),
        Err(error) => {
            let advice = "check that Kafka runs there, and kafka.brokers and [kafka.properties]";
            Check::failed(NAME, format!("{}: {error}", settings.brokers), advice)
        }
    }
}

pub(super) fn admin(config: &NodeConfig) -> Check {
    let listen = &config.admin.listen;
    match TcpListener::bind(listen) {
        Ok(_) => Check::good("admin address", format!("{listen} is free")),
        Err(error) => {
            let advice = "a node may be running there; two on one machine need an `admin.listen` each";
            Check::warning("admin address", format!("{listen}: {error}"), advice)
        }
    }
}
