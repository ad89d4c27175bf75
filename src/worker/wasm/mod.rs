//! WebAssembly: modules of the function's folder and nothing else, within the function's limits.
//!
//! [`binary`] reads a module and lowers what its memories may grow to; [`compile`] makes the object that an import of
//! the file gives; [`room`] keeps the memories of an isolate within its limit. What of `WebAssembly` handlers reach is
//! decided in `js/wasm.js`.

pub mod binary;
pub mod compile;
pub mod room;
