//! Chance for V8's generators: its own source is a file, which a confined worker cannot open.

use deno_core::v8;

/// Call before V8 is initialised. Without it V8 would go on quietly with the time as its seed.
pub fn seed_engine() {
    v8::V8::set_entropy_source(fill);
}

/// Fills the bytes, or says that it could not.
fn fill(bytes: &mut [u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        // SAFETY: the kernel writes at most as many bytes as the slice is long.
        let count = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(count) {
            Ok(count) => rest = &mut rest[count..],
            Err(_) if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_filled() {
        // More than the kernel gives in one piece when a signal comes.
        let mut bytes = vec![0; 4096];
        assert!(fill(&mut bytes));
        assert!(bytes.chunks(64).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    }
}
