//! Namespaces of the worker's own: a network without any interface that is up, IPC, host name.

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, UnshareFlags, capabilities, unshare_unsafe};

use super::apply::failed;

/// Whether the process may make namespaces, and how it came by that.
pub enum Rights {
    /// It has them from its host, being privileged.
    Given,
    /// As the root of a user namespace of its own, in which no user of the machine has a name.
    Obtained,
    Missing(String),
}

impl Rights {
    pub fn find() -> Rights {
        match capabilities(None) {
            Ok(sets) if sets.effective.contains(CapabilitySet::SYS_ADMIN) => Rights::Given,
            _ => Rights::Missing("no user namespace was tried".to_owned()),
        }
    }

    pub fn are_held(&self) -> bool {
        !matches!(self, Rights::Missing(_))
    }

    pub fn were_obtained(&self) -> bool {
        matches!(self, Rights::Obtained)
    }

    /// Enters a user namespace, which every user may make unless the machine's owner has forbidden it.
    pub fn obtain(&mut self) {
        *self = match unshare(UnshareFlags::NEWUSER) {
            Ok(()) => Rights::Obtained,
            Err(error) => Rights::Missing(failed("user namespace")(error.into())),
        };
    }

    /// Makes namespaces.
    pub fn make(&self, flags: UnshareFlags, what: &str) -> Result<(), String> {
        match self {
            Rights::Missing(why) => Err(why.clone()),
            Rights::Given | Rights::Obtained => unshare(flags).map_err(|error| failed(what)(error.into())),
        }
    }
}

const HOST_NAME: &[u8] = b"worker";

pub fn enter(rights: &Rights) -> Result<String, String> {
    rights.make(UnshareFlags::NEWNET, "network namespace")?;
    rights.make(UnshareFlags::NEWIPC | UnshareFlags::NEWUTS, "IPC and UTS namespaces")?;
    // The namespace begins with the machine's name, which is none of a function's business.
    // SAFETY: the text is as long as is said.
    unsafe { libc::sethostname(HOST_NAME.as_ptr().cast(), HOST_NAME.len()) };
    let user = if rights.were_obtained() { "user, " } else { "" };
    Ok(format!("{user}network, IPC, host name"))
}

fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: the table of descriptors stays shared; no other thread exists that could miss any.
    unsafe { unshare_unsafe(flags) }
}
