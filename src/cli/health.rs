//! `eddyline health`: asks a running node whether it is ready; made for health checks of containers.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use clap::Args;
use serde_json::Value;

use super::{args::NodeFlags, context::Context, exit, failure::Failure};

const PATIENCE: Duration = Duration::from_secs(5);

/// Ask a running node whether it is ready
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    eddyline health\n  \
    eddyline health --admin 127.0.0.1:9640\n\n\
    Exits 0 if the node is ready, 1 if it is not or does not answer.")]
pub(super) struct HealthArgs {
    /// The node's admin address; by default `admin.listen` of the configuration
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    #[command(flatten)]
    flags: NodeFlags,
}

pub(super) fn run(context: &Context, args: &HealthArgs) -> anyhow::Result<()> {
    let address = admin_address(context, args.admin.as_deref(), &args.flags)?;
    let answer = agent().get(format!("http://{address}/health/ready")).call().and_then(|mut response| {
        let body: Value = response.body_mut().read_json()?;
        Ok((response.status().is_success(), body))
    });
    let (ready, body) = answer.map_err(|error| no_answer(&address, &error))?;
    if context.is_json() {
        context.print_json(&body)?;
    } else {
        context.print(&describe(ready, &body))?;
    }
    if ready { Ok(()) } else { Err(Failure::said(exit::FAILURE).into()) }
}

fn describe(ready: bool, body: &Value) -> String {
    if ready {
        return "ready\n".to_owned();
    }
    let mut text = String::from("not ready\n");
    for reason in body["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("  {reason}\n"));
    }
    text
}

/// Where to ask a node: at the address of its flag, or as configured.
pub(super) fn admin_address(context: &Context, admin: Option<&str>, flags: &NodeFlags) -> anyhow::Result<String> {
    let listen = match admin {
        Some(address) => address.to_owned(),
        None => context.load(flags)?.config.admin.listen,
    };
    Ok(reachable(&listen))
}

fn agent() -> ureq::Agent {
    agent_for(PATIENCE)
}

/// Answers may take so long.
pub(super) fn agent_for(patience: Duration) -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(patience)).build().into()
}

pub(super) fn no_answer(address: &str, error: &ureq::Error) -> Failure {
    Failure::new(exit::FAILURE, format!("no node answers at {address}: {error}"))
        .with_hint("name the node's admin address with --admin, or in `admin.listen`")
}

/// An address that means "all of this host" can be listened on, but not called.
fn reachable(listen: &str) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(mut address) if address.ip().is_unspecified() => {
            let loopback: IpAddr =
                if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
            address.set_ip(loopback);
            address.to_string()
        }
        _ => listen.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn an_address_for_listening_becomes_one_for_calling() {
        assert_eq!(reachable("0.0.0.0:9640"), "127.0.0.1:9640");
        assert_eq!(reachable("[::]:9640"), "[::1]:9640");
        assert_eq!(reachable("eddyline:9640"), "eddyline:9640");
    }
}
