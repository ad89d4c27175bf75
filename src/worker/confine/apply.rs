//! The order in which the layers are put on.

use std::io;
use std::os::fd::RawFd;
use std::time::Instant;

use rustix::process::{parent_process_death_signal, set_parent_process_death_signal};

use super::{descriptors, identity, landlock, namespaces, privileges, resources, root, seccomp};
use crate::protocol::sandbox::{Layer, Sandbox};

/// Puts on the wanted layers, as far as the kernel permits, and says which of them hold.
///
/// The process keeps the descriptors below `descriptors`. It must have one thread only.
pub fn confine(wanted: &[Layer], descriptors: RawFd) -> Sandbox {
    let began = Instant::now();
    let death_signal = parent_process_death_signal();
    forget_environment();
    let mut sandbox = Sandbox::default();
    let mut put_on = |layer: Layer, apply: &mut dyn FnMut() -> Result<String, String>| {
        if wanted.contains(&layer) {
            sandbox.add(layer, apply());
        }
    };
    put_on(Layer::Descriptors, &mut || descriptors::close_from(descriptors));
    put_on(Layer::Resources, &mut resources::limit);
    // Whoever may, makes namespaces as root. Whoever may not, needs a user namespace, in which there is no other user
    // to become; so root becomes somebody else before it.
    let mut spaces = namespaces::Rights::find();
    if !spaces.are_held() {
        put_on(Layer::Identity, &mut identity::leave_root);
        if wanted.contains(&Layer::Namespaces) || wanted.contains(&Layer::Root) {
            spaces.obtain();
        }
    }
    put_on(Layer::Namespaces, &mut || namespaces::enter(&spaces));
    put_on(Layer::Root, &mut || root::empty(&spaces));
    if !spaces.were_obtained() && spaces.are_held() {
        put_on(Layer::Identity, &mut identity::leave_root);
    }
    put_on(Layer::Privileges, &mut privileges::drop_all);
    // The kernel forgets it when a process changes who it is.
    if let Ok(Some(signal)) = death_signal {
        let _ = set_parent_process_death_signal(Some(signal));
    }
    put_on(Layer::Landlock, &mut landlock::restrict);
    put_on(Layer::Seccomp, &mut seccomp::restrict);
    sandbox.layers.sort_by_key(|held| held.layer);
    sandbox.took_us = began.elapsed().as_micros() as u64;
    sandbox
}

/// The host starts workers without any. What is set here is read instead of files that cannot be opened later.
fn forget_environment() {
    // SAFETY: this is the process's only thread.
    unsafe {
        libc::clearenv();
        std::env::set_var("TZ", "UTC");
    }
}

/// What failed, in words.
pub(super) fn failed(what: &str) -> impl Fn(io::Error) -> String {
    move |error| format!("{what}: {error}")
}
