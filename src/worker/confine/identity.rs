//! A worker of a host that runs as root runs as nobody.

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::apply::failed;

const NOBODY: u32 = 65534;

pub fn leave_root() -> Result<String, String> {
    if geteuid().is_root() {
        let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
        set_thread_groups(&[]).map_err(|error| failed("setgroups")(error.into()))?;
        set_thread_res_gid(group, group, group).map_err(|error| failed("setresgid")(error.into()))?;
        set_thread_res_uid(user, user, user).map_err(|error| failed("setresuid")(error.into()))?;
    }
    Ok(format!("uid {}", geteuid()))
}
