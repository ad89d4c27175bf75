//! What the C library does with memory that librdkafka has freed.

/// Larger blocks come from the kernel and go back to it at once: more than what is fetched from a partition in one go.
#[cfg(target_env = "gnu")]
const SINGLE: i32 = 8 << 20;
/// What a thread may keep that is free.
#[cfg(target_env = "gnu")]
const KEPT: i32 = 32 << 20;

/// Has the process keep some memory that is free. librdkafka frees a megabyte with each batch and needs it again for the
/// next one; by default the kernel would take it back and clear its pages each time.
pub fn keep_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: both only change when the allocator talks to the kernel; it takes its own lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, SINGLE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}
