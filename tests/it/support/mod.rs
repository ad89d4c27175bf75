//! What the tests stand on: a broker, topics, functions in a folder of their own, and the real program run on them.

pub mod broker;
pub mod busy;
pub mod cgroup;
pub mod client;
pub mod fetching;
pub mod folder;
pub mod harm;
pub mod letters;
pub mod murmur;
pub mod node;
pub mod own_broker;
pub mod pooled;
pub mod process;
pub mod reading;
pub mod record;
pub mod scene;
pub mod server;
pub mod snippets;
pub mod topics;
pub mod transactions;
pub mod trial;
pub mod wait;
pub mod worker;
pub mod writing;

pub use busy::busy;
pub use folder::Function;
pub use node::Node;
pub use record::Record;
pub use scene::Scene;
pub use trial::Trial;
pub use wait::eventually;
