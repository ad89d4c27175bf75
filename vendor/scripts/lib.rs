//! Empty: this package is never compiled.
