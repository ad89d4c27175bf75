//! Functions on disk: each folder with a `function.toml` is one.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::manifest::MANIFEST_FILE;
use crate::protocol::control::SourceFile;

/// Most files, and bytes of files, that one function may have.
const MAX_FILES: usize = 2000;
const MAX_BYTES: u64 = 32 << 20;
/// How deep folders may lie in a function's folder.
const MAX_DEPTH: usize = 16;
/// What build tools, Cargo among them, put into folders that hold only what they have made.
const BUILD_MARK: &str = "CACHEDIR.TAG";
/// What a handler can import; other files are no part of the function.
const EXTENSIONS: [&str; 6] = ["ts", "mts", "js", "mjs", "json", "wasm"];

/// A function's folder, and a stamp that changes when anything in it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub dir: PathBuf,
    pub stamp: u64,
}

/// All that a function consists of.
#[derive(Debug, Clone)]
pub struct Files {
    /// Modules and data, by path relative to the folder.
    pub sources: Vec<SourceFile>,
    /// Of the manifest and all sources, as hexadecimal SHA-256.
    pub digest: String,
}

/// The functions below `root`, by name. Files and folders without a manifest are not functions.
pub fn scan(root: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let dir = entry?.path();
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') || !dir.join(MANIFEST_FILE).is_file() {
            continue;
        }
        let mut hasher = DefaultHasher::new();
        // A folder that vanishes while we look at it will be looked at again.
        let _ = walk(&dir, &mut |path, metadata| {
            (path, metadata.mtime(), metadata.mtime_nsec(), metadata.size(), metadata.ino()).hash(&mut hasher);
            true
        });
        found.push(Found { name, dir, stamp: hasher.finish() });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Visits the files that belong to a function: no hidden ones, no links, nothing in `node_modules` or of a build.
fn walk(dir: &Path, visit: &mut dyn FnMut(&Path, &fs::Metadata) -> bool) -> io::Result<()> {
    let mut folders = vec![(dir.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with('.') || name == "node_modules" {
                continue;
            }
            // A link could lead out of the folder.
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() && depth < MAX_DEPTH && !path.join(BUILD_MARK).exists() {
                folders.push((path, depth + 1));
            } else if metadata.is_file() && belongs(&path) && !visit(&path, &metadata) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn belongs(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    if name == MANIFEST_FILE {
        return true;
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy());
    !name.ends_with(".d.ts") && extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension))
}

/// Reads all files of a function.
pub fn read(dir: &Path) -> Result<Files, Diagnostics> {
    let mut paths = Vec::new();
    let mut bytes = 0;
    walk(dir, &mut |path, metadata| {
        bytes += metadata.size();
        paths.push(path.to_owned());
        paths.len() <= MAX_FILES && bytes <= MAX_BYTES
    })
    .map_err(|error| unreadable(dir, &error))?;
    if paths.len() > MAX_FILES || bytes > MAX_BYTES {
        let message = format!("the folder holds more than {MAX_FILES} files or {} MiB", MAX_BYTES >> 20);
        let hint = "keep only what the handler imports in it";
        return Err(Diagnostic::error(codes::UNREADABLE, dir, message).with_hint(hint).into());
    }
    paths.sort();
    let mut digest = Sha256::new();
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let bytes = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        let relative = path.strip_prefix(dir).unwrap_or(&path);
        let relative = relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        digest.update((relative.len() as u64).to_le_bytes());
        digest.update(&relative);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(&bytes);
        if relative != MANIFEST_FILE {
            sources.push(SourceFile { path: relative, bytes });
        }
    }
    Ok(Files { sources, digest: hex::encode(digest.finalize()) })
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostics {
    Diagnostic::error(codes::UNREADABLE, path, format!("cannot be read: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(root: &Path, name: &str) -> PathBuf {
        let dir = root.join(name);
        fs::create_dir_all(dir.join("lib")).unwrap();
        fs::write(dir.join(MANIFEST_FILE), "").unwrap();
        fs::write(dir.join("index.ts"), "export default () => 1").unwrap();
        fs::write(dir.join("lib/a.ts"), "").unwrap();
        dir
    }

    #[test]
    fn only_folders_with_a_manifest_are_functions() {
        let root = tempfile::tempdir().unwrap();
        function(root.path(), "b");
        function(root.path(), "a");
        fs::create_dir(root.path().join("notes")).unwrap();
        fs::write(root.path().join("README.md"), "").unwrap();
        let names: Vec<String> = scan(root.path()).unwrap().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn links_hidden_files_and_what_cannot_be_imported_stay_out() {
        let root = tempfile::tempdir().unwrap();
        let dir = function(root.path(), "f");
        fs::write(dir.join(".secret.ts"), "").unwrap();
        fs::write(dir.join("eddyline.d.ts"), "").unwrap();
        fs::write(dir.join("notes.txt"), "").unwrap();
        fs::create_dir_all(dir.join("module/target")).unwrap();
        fs::write(dir.join("module/target/CACHEDIR.TAG"), "").unwrap();
        fs::write(dir.join("module/target/debug.wasm"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.join("link.ts")).unwrap();
        let files = read(&dir).unwrap();
        let paths: Vec<&str> = files.sources.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["index.ts", "lib/a.ts"]);
    }

    #[test]
    fn stamp_and_digest_change_with_the_content() {
        let root = tempfile::tempdir().unwrap();
        let dir = function(root.path(), "f");
        let (before, digest) = (scan(root.path()).unwrap(), read(&dir).unwrap().digest);
        assert_eq!(read(&dir).unwrap().digest, digest);
        fs::write(dir.join("lib/a.ts"), "export const a = 1").unwrap();
        assert_ne!(scan(root.path()).unwrap(), before);
        assert_ne!(read(&dir).unwrap().digest, digest);
        let (before, digest) = (scan(root.path()).unwrap(), read(&dir).unwrap().digest);
        fs::write(dir.join("lib/m.wasm"), b"\0asm\x01\0\0\0").unwrap();
        assert_ne!(scan(root.path()).unwrap(), before);
        assert_ne!(read(&dir).unwrap().digest, digest);
    }
}
