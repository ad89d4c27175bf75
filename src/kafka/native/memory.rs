//! What the C library does with memory that librdkafka has freed.

/// Larger blocks come from the kernel and go back to it at once. No more can be asked for; what a broker sends in one go
/// is rarely longer.
#[cfg(target_env = "gnu")]
const SINGLE: i32 = 32 << 20;
/// What may stay free at the end of each of the allocator's arenas, of which busy threads have one each.
#[cfg(target_env = "gnu")]
const KEPT: i32 = 16 << 20;

/// Has the process keep some memory that is free. librdkafka frees a megabyte with each batch and needs it again for the
/// next one; by default the kernel would take it back and clear its pages each time.
pub fn keep_memory() {
    #[cfg(target_env = "gnu")]
    for (option, bytes) in [(libc::M_MMAP_THRESHOLD, SINGLE), (libc::M_TRIM_THRESHOLD, KEPT)] {
        // SAFETY: this only changes when the allocator talks to the kernel; it takes its own lock.
        if unsafe { libc::mallopt(option, bytes) } == 0 {
            tracing::debug!(option, bytes, "the allocator does not take this");
        }
    }
}
