//! Kernel, memory, and the limits on descriptors and mappings.

use super::check::Check;
use crate::{
    config::NodeConfig,
    machine,
    quantity::{GIB, format_size},
};

/// The first kernel with Landlock.
const KERNEL: (u32, u32) = (5, 13);
/// Kafka's clients keep a connection to each broker, for each function.
const DESCRIPTORS: u64 = 4096;
/// The kernel's default. An isolate takes some dozens.
const MAPPINGS: u64 = 65_530;

pub(super) fn look(config: &NodeConfig) -> Vec<Check> {
    vec![kernel(), memory(config), descriptors(), mappings()]
}

fn kernel() -> Check {
    let (release, version) = machine::kernel();
    Check::expect(version >= KERNEL, "kernel", release, "Linux 5.13 or newer knows every layer of the sandbox")
}

fn memory(config: &NodeConfig) -> Check {
    let (workers, each) = (config.worker_count() as u64, config.worker_memory());
    let shared = format!("{workers} workers of at most {}", format_size(each));
    let Some(all) = machine::memory() else {
        return Check::warning("memory", shared, "say in `workers.memory` how much a worker may take");
    };
    let found = format!("{:.1} GiB here, {shared}", all as f64 / GIB as f64);
    let advice = "lower `workers.memory` or `workers.count`, or give the node more memory: together the workers may \
                  take more than there is";
    Check::expect(workers.saturating_mul(each) <= all, "memory", found, advice)
}

fn descriptors() -> Check {
    let most = machine::max_descriptors();
    let advice = "raise the limit on open files (`ulimit -n`, LimitNOFILE=) to 4096 or more";
    Check::expect(most >= DESCRIPTORS, "descriptors", format!("{most} may be open"), advice)
}

fn mappings() -> Check {
    match machine::max_map_count() {
        None => Check::good("mappings", "no limit is known"),
        Some(most) => {
            let advice = "raise the sysctl vm.max_map_count to 65530 or more";
            Check::expect(most >= MAPPINGS, "mappings", format!("{most} for each process"), advice)
        }
    }
}
