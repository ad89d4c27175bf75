//! Memory outside V8's heap, which V8's own limit does not count: one account for the buffers that JavaScript makes and for
//! those that are made for it.
//!
//! What books nothing here, such as WebAssembly memory and buffers that the runtime's own operations return, V8 counts;
//! [`is_over`] looks at that sum from time to time. It looks at the heap too, because V8 lets a single object exceed its
//! limit until it is moved.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deno_core::{op2, v8};

/// How much more an isolate gets while it is being stopped.
const GRACE: usize = 1 << 30;
/// V8's limit is for old objects; beside them it has room for new ones.
const YOUNG: usize = 64 << 20;

#[derive(Debug)]
pub struct Account {
    used: AtomicUsize,
    limit: AtomicUsize,
    heap_limit: usize,
    /// What V8 counted before the user's code came.
    before: AtomicUsize,
}

/// An allocator that answers with null, which JavaScript sees as a RangeError, once the account's limit is in use.
pub fn allocator(account: &Arc<Account>) -> v8::UniqueRef<v8::Allocator> {
    // SAFETY: the handle is an `Arc` that the table's `drop` gives back; the table is static.
    unsafe { v8::new_rust_allocator(Arc::into_raw(account.clone()), &TABLE) }
}

static TABLE: v8::RustAllocatorVtable<Account> =
    v8::RustAllocatorVtable { allocate, allocate_uninitialized, free, drop: release };

impl Account {
    /// An account for so many bytes, in an isolate with so large a heap.
    pub fn new(limit: usize, heap_limit: usize) -> Arc<Account> {
        let (used, limit, before) = (AtomicUsize::new(0), AtomicUsize::new(limit), AtomicUsize::new(0));
        Arc::new(Account { used, limit, heap_limit, before })
    }

    /// Lets the isolate exceed its limit for the moments that it still has.
    pub fn grant(&self) {
        let raised = self.limit.load(Ordering::Relaxed).saturating_add(GRACE);
        self.limit.store(raised, Ordering::Relaxed);
    }

    /// Books `len` bytes if they fit.
    fn book(&self, len: usize) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        let add = |used: usize| used.checked_add(len).filter(|sum| *sum <= limit);
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

    /// Gives back what [`Account::take`] returned.
    ///
    /// # Safety
    /// `data` came from `take` of this account with the same length, and nobody uses it any more.
    unsafe fn give_back(&self, data: *mut c_void, len: usize) {
        if let Ok(layout) = Layout::from_size_align(len.max(1), 16) {
            self.used.fetch_sub(len, Ordering::Relaxed);
            // SAFETY: as the caller promises.
            unsafe { dealloc(data.cast(), layout) };
        }
    }
}

unsafe extern "C" fn allocate(account: &Account, len: usize) -> *mut c_void {
    account.take(len, alloc_zeroed)
}

unsafe extern "C" fn allocate_uninitialized(account: &Account, len: usize) -> *mut c_void {
    account.take(len, alloc)
}

unsafe extern "C" fn free(account: &Account, data: *mut c_void, len: usize) {
    // SAFETY: V8 returns what `take` gave it, with the same length.
    unsafe { account.give_back(data, len) };
}

unsafe extern "C" fn release(account: *const Account) {
    // SAFETY: it came from `Arc::into_raw` and V8 drops its allocator once.
    drop(unsafe { Arc::from_raw(account) });
}

/// A buffer with a copy of `bytes`; `None` when the account is full even without the garbage. V8's own ways to make
/// buffers end the process then.
pub fn copy_in<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    account: &Arc<Account>,
    bytes: &[u8],
) -> Option<v8::Local<'s, v8::ArrayBuffer>> {
    if bytes.is_empty() {
        return Some(v8::ArrayBuffer::new(scope, 0));
    }
    let mut at = account.take(bytes.len(), alloc);
    if at.is_null() {
        scope.low_memory_notification();
        at = account.take(bytes.len(), alloc);
    }
    if at.is_null() {
        return None;
    }
    // SAFETY: `take` returned this many bytes, which nobody else knows; the deleter gets the account that they came from
    // and is called once.
    let store = unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), at.cast(), bytes.len());
        let owner = Arc::into_raw(account.clone());
        v8::ArrayBuffer::new_backing_store_from_ptr(at, bytes.len(), delete, owner.cast_mut().cast())
    };
    Some(v8::ArrayBuffer::with_backing_store(scope, &store.make_shared()))
}

unsafe extern "C" fn delete(data: *mut c_void, len: usize, owner: *mut c_void) {
    // SAFETY: `copy_in` made the owner from an `Arc`, and took `data` from it with this length.
    unsafe {
        let account = Arc::from_raw(owner.cast_const().cast::<Account>());
        account.give_back(data, len);
    }
}

thread_local! {
    /// What the runtime keeps for the isolate of the calling thread where V8 does not see it.
    static OUTSIDE: Cell<usize> = const { Cell::new(0) };
}

/// The runtime keeps so many bytes more, or fewer, for the isolate of the calling thread.
pub fn keeps(more: isize) {
    OUTSIDE.set(OUTSIDE.get().saturating_add_signed(more));
}

/// The web APIs say what the runtime keeps for them: blobs, and messages under way.
#[op2(fast)]
pub fn op_keeps(#[number] more: i64) {
    keeps(more as isize);
}

/// Bytes outside V8's heap: buffers, WebAssembly's memories and modules, and what the runtime keeps.
pub fn counted(isolate: &mut v8::Isolate) -> usize {
    let seen = usize::try_from(isolate.adjust_amount_of_external_allocated_memory(0)).unwrap_or(0);
    seen.saturating_add(OUTSIDE.get())
}

/// The user's code begins: what is there now is not its own.
pub fn start(isolate: &mut v8::Isolate, account: &Account) {
    account.before.store(counted(isolate), Ordering::Relaxed);
}

/// Whether V8 would count no more than the limit outside its heap with `bytes` more. What is not garbage yet may be; then
/// it is collected first.
pub fn fits(isolate: &mut v8::Isolate, account: &Account, bytes: usize) -> bool {
    let most = account.limit.load(Ordering::Relaxed).saturating_add(account.before.load(Ordering::Relaxed));
    if counted(isolate).saturating_add(bytes) <= most {
        return true;
    }
    isolate.low_memory_notification();
    counted(isolate).saturating_add(bytes) <= most
}

/// Whether an isolate holds more than it may. V8 collects what is garbage before its heap grows beyond the limit, but not
/// for what is outside.
pub fn is_over(isolate: &mut v8::Isolate, account: &Account) -> bool {
    let most_heap = account.heap_limit.saturating_add(YOUNG);
    isolate.get_heap_statistics().used_heap_size() > most_heap || !fits(isolate, account, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_gives_what_fits_and_more_only_once_it_is_granted() {
        let account = Account::new(100, 0);
        let first = account.take(60, alloc);
        assert!(!first.is_null());
        assert!(account.take(60, alloc).is_null());
        account.grant();
        let second = account.take(60, alloc);
        assert!(!second.is_null());
        // SAFETY: both came from `take` with this length.
        unsafe {
            account.give_back(first, 60);
            account.give_back(second, 60);
        }
        assert_eq!(account.used.load(Ordering::Relaxed), 0);
    }
}
