//! ArrayBuffer memory with a limit of its own, because V8's heap limit does not count it.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deno_core::v8;

#[derive(Debug)]
struct Account {
    used: AtomicUsize,
    limit: usize,
}

/// An allocator that answers with null, which JavaScript sees as a RangeError, once `limit` bytes are in use.
pub fn allocator(limit: usize) -> v8::UniqueRef<v8::Allocator> {
    let account = Arc::new(Account { used: AtomicUsize::new(0), limit });
    // SAFETY: the handle is an `Arc` that the table's `drop` gives back; the table is static.
    unsafe { v8::new_rust_allocator(Arc::into_raw(account), &TABLE) }
}

static TABLE: v8::RustAllocatorVtable<Account> =
    v8::RustAllocatorVtable { allocate, allocate_uninitialized, free, drop: release };

impl Account {
    /// Books `len` bytes if they fit.
    fn book(&self, len: usize) -> bool {
        let add = |used: usize| used.checked_add(len).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn take(&self, len: usize, from: unsafe fn(Layout) -> *mut u8) -> *mut c_void {
        // An empty buffer still needs an address that is not null.
        let Ok(layout) = Layout::from_size_align(len.max(1), 16) else { return null_mut() };
        if !self.book(len) {
            return null_mut();
        }
        // SAFETY: the layout's size is at least one.
        let at = unsafe { from(layout) };
        if at.is_null() {
            self.used.fetch_sub(len, Ordering::Relaxed);
        }
        at.cast()
    }
}

unsafe extern "C" fn allocate(account: &Account, len: usize) -> *mut c_void {
    account.take(len, alloc_zeroed)
}

unsafe extern "C" fn allocate_uninitialized(account: &Account, len: usize) -> *mut c_void {
    account.take(len, alloc)
}

unsafe extern "C" fn free(account: &Account, data: *mut c_void, len: usize) {
    if let Ok(layout) = Layout::from_size_align(len.max(1), 16) {
        account.used.fetch_sub(len, Ordering::Relaxed);
        // SAFETY: V8 returns what `take` gave it, with the same length.
        unsafe { dealloc(data.cast(), layout) };
    }
}

unsafe extern "C" fn release(account: *const Account) {
    // SAFETY: it came from `Arc::into_raw` and V8 drops its allocator once.
    drop(unsafe { Arc::from_raw(account) });
}
