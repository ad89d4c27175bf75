//! What keeps a worker from the machine that it runs on, layer by layer, as it tells its host.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One layer of the sandbox. Each holds without the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    Descriptors,
    Resources,
    Namespaces,
    Root,
    Identity,
    Privileges,
    Landlock,
    Seccomp,
}

impl Layer {
    /// All of them, in the order in which they are put on.
    pub const ALL: [Layer; 8] = [
        Layer::Descriptors,
        Layer::Resources,
        Layer::Namespaces,
        Layer::Root,
        Layer::Identity,
        Layer::Privileges,
        Layer::Landlock,
        Layer::Seccomp,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Layer::Descriptors => "descriptors",
            Layer::Resources => "resources",
            Layer::Namespaces => "namespaces",
            Layer::Root => "root",
            Layer::Identity => "identity",
            Layer::Privileges => "privileges",
            Layer::Landlock => "landlock",
            Layer::Seccomp => "seccomp",
        }
    }

    /// What it does for a worker.
    pub fn about(self) -> &'static str {
        match self {
            Layer::Descriptors => "nothing is open but the line to the host",
            Layer::Resources => "no core dumps, no files to write, few descriptors",
            Layer::Namespaces => "a network of its own with nothing in it",
            Layer::Root => "an empty file system",
            Layer::Identity => "it does not run as root",
            Layer::Privileges => "no capabilities, and no way to get any",
            Layer::Landlock => "no file can be opened, no port reached",
            Layer::Seccomp => "only the system calls that an engine needs",
        }
    }

    /// What to do where it is missing.
    pub fn remedy(self) -> &'static str {
        match self {
            Layer::Descriptors => "use Linux 5.9 or newer",
            Layer::Resources => "allow the node to lower the limits of its children",
            Layer::Namespaces | Layer::Root => {
                "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, \
                 kernel.apparmor_restrict_unprivileged_userns; in a container, its seccomp profile)"
            }
            Layer::Identity => "run the node as another user than root, or leave it CAP_SETUID and CAP_SETGID",
            Layer::Privileges => "see what holds the node's capabilities",
            Layer::Landlock => "use Linux 5.13 or newer with landlock among the kernel's `lsm=`",
            Layer::Seccomp => "use a kernel with CONFIG_SECCOMP_FILTER",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Whether a layer holds, and what there is to say about it: how far it goes, or why it is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub layer: Layer,
    pub holds: bool,
    pub note: String,
}

/// The layers that a worker has put on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    pub layers: Vec<Held>,
    /// How long putting them on took.
    pub took_us: u64,
}

impl Sandbox {
    /// Notes what became of a layer.
    pub fn add(&mut self, layer: Layer, result: Result<String, String>) {
        let holds = result.is_ok();
        let note = result.unwrap_or_else(|why| why);
        self.layers.push(Held { layer, holds, note });
    }

    /// Every layer there is; one that the worker said nothing about is missing.
    pub fn all(&self) -> Vec<Held> {
        let unknown = |layer| Held { layer, holds: false, note: "the worker did not speak of it".to_owned() };
        let find = |layer| self.layers.iter().find(|held| held.layer == layer).cloned();
        Layer::ALL.into_iter().map(|layer| find(layer).unwrap_or_else(|| unknown(layer))).collect()
    }

    pub fn missing(&self) -> Vec<Held> {
        self.all().into_iter().filter(|held| !held.holds).collect()
    }

    /// The names of the layers that hold.
    pub fn holding(&self) -> Vec<&'static str> {
        self.all().into_iter().filter(|held| held.holds).map(|held| held.layer.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_nobody_spoke_of_is_missing() {
        let mut sandbox = Sandbox::default();
        sandbox.add(Layer::Seccomp, Ok(String::new()));
        sandbox.add(Layer::Landlock, Err("no such kernel".to_owned()));
        assert_eq!(sandbox.holding(), ["seccomp"]);
        let missing = sandbox.missing();
        assert_eq!(missing.len(), Layer::ALL.len() - 1);
        assert!(missing.iter().any(|held| held.layer == Layer::Landlock && held.note == "no such kernel"));
    }
}
