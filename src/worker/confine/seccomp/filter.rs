//! The filters that the kernel runs for each call of a worker.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

use super::calls::{self, Call, When};

pub fn restrict() -> Result<String, String> {
    let own_pid = std::process::id();
    let fatal = program(calls::FATAL, own_pid, SeccompAction::Allow, SeccompAction::KillProcess);
    let unknown = SeccompAction::Errno(libc::ENOSYS as u32);
    let allowed = program(calls::ALLOWED, own_pid, unknown, SeccompAction::Allow);
    let refused = program(calls::REFUSED, own_pid, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32));
    // The kernel runs all three and takes the strictest answer, of two errors that of the filter which came last. That
    // one also takes away what was needed to install it.
    for program in [fatal, allowed, refused] {
        let program = program.map_err(|error| format!("filter: {error}"))?;
        apply_filter(&program).map_err(|error| error.to_string())?;
    }
    Ok(format!("{} calls allowed, {} end the worker", calls::ALLOWED.len(), calls::FATAL.len()))
}

fn program(
    calls: &[Call],
    own_pid: u32,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (number, when) in calls {
        let rules = rules.entry(*number).or_default();
        for conditions in conditions(*when, own_pid)? {
            rules.push(SeccompRule::new(vec![conditions])?);
        }
    }
    SeccompFilter::new(rules, otherwise, matching, std::env::consts::ARCH.try_into()?)?.try_into()
}

/// Any of them must hold; none at all is "always".
fn conditions(when: When, own_pid: u32) -> Result<Vec<SeccompCondition>, BackendError> {
    use SeccompCmpArgLen::{Dword, Qword};
    let equal = |argument, value| SeccompCondition::new(argument, Dword, SeccompCmpOp::Eq, value);
    Ok(match when {
        When::Always => Vec::new(),
        When::OneOf(argument, values) => {
            values.iter().map(|value| equal(argument, *value)).collect::<Result<_, _>>()?
        }
        When::Null(argument) => vec![SeccompCondition::new(argument, Qword, SeccompCmpOp::Eq, 0)?],
        When::OwnProcess(argument) => vec![equal(argument, own_pid.into())?],
        When::Bits { argument, mask, value } => {
            vec![SeccompCondition::new(argument, Qword, SeccompCmpOp::MaskedEq(mask), value)?]
        }
    })
}
