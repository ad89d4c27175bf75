//! No capabilities, no way to gain any, and closed to other processes of the same user.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, set_capabilities, set_no_new_privs,
};

use super::apply::failed;

pub fn drop_all() -> Result<String, String> {
    set_no_new_privs(true).map_err(|error| failed("no_new_privs")(error.into()))?;
    // Fails where the kernel is older than such sets; then there are none to clear.
    let _ = clear_ambient_capability_set();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(|error| failed("capset")(error.into()))?;
    // Without this, a worker could be read and steered by any process of the same user, such as another worker.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| failed("dumpable")(error.into()))?;
    match capabilities(None) {
        Ok(left) if left == none => Ok("no capabilities, no new privileges".to_owned()),
        Ok(left) => Err(format!("capabilities are left: {:?}", left.permitted)),
        Err(error) => Err(failed("capget")(error.into())),
    }
}
