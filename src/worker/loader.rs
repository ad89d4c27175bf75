//! Modules for an isolate: those of its function's bundle and nothing else.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::future::{Future, ready};
use std::pin::Pin;

use deno_core::{
    ModuleCodeBytes, ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleSource,
    ModuleSourceCode, ModuleSpecifier, ModuleType, RequestedModuleType, ResolutionKind,
};
use deno_error::JsErrorBox;
use thiserror::Error;

use super::code_cache;
use super::wasm::compile;
use crate::protocol::control::{Bundle, Code, Module};

/// How the modules of functions are named inside V8: `eddyline:///<function>/<path>`.
const ROOT: &str = "eddyline:///";

/// The name of a module inside V8.
pub fn specifier(function: &str, path: &str) -> String {
    format!("{ROOT}{function}/{path}")
}

/// Whether a name inside V8 is that of a user's module.
pub fn is_users(file: &str) -> bool {
    file.starts_with(ROOT)
}

/// The path of a user's module within its function's folder.
pub fn shown(file: &str) -> &str {
    file.strip_prefix(ROOT).and_then(|rest| rest.split_once('/')).map_or(file, |(_, path)| path)
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImportError {
    #[error("import {0:?} is not allowed: a function imports only its own files")]
    NotRelative(String),
    #[error("import {0:?} leads out of the function's folder")]
    Outside(String),
    #[error("import {0:?} does not exist in the function's folder")]
    NotFound(String),
}

impl ImportError {
    pub fn hint(&self) -> &'static str {
        match self {
            ImportError::NotRelative(_) => {
                "copy what you need into the function's folder and import it by a path that begins with ./"
            }
            ImportError::Outside(_) => "move or copy the file into the function's folder",
            ImportError::NotFound(_) => "check the path; upper and lower case matter",
        }
    }
}

/// The file that an import names: as written, or with the extension that it leaves out or has in TypeScript.
pub fn resolve(from: &str, import: &str, exists: impl Fn(&str) -> bool) -> Result<String, ImportError> {
    if !import.starts_with("./") && !import.starts_with("../") {
        return Err(ImportError::NotRelative(import.to_owned()));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| ImportError::Outside(import.to_owned()))?;
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if exists(&path) {
        return Ok(path);
    }
    let (stem, others): (&str, &[&str]) = match path.rsplit_once('.') {
        Some((stem, "js")) => (stem, &["ts"]),
        Some((stem, "mjs")) => (stem, &["mts"]),
        _ => (&path, &["ts", "mts", "js", "mjs"]),
    };
    let found = others.iter().map(|extension| format!("{stem}.{extension}")).find(|path| exists(path));
    found.ok_or_else(|| ImportError::NotFound(import.to_owned()))
}

/// Serves the modules of one bundle, once it has it.
#[derive(Debug, Default)]
pub struct BundleLoader {
    served: OnceCell<Served>,
}

#[derive(Debug)]
struct Served {
    function: String,
    modules: HashMap<String, Module>,
}

impl BundleLoader {
    /// Says whose modules these are, for good.
    pub fn serve(&self, function: &str, bundle: &Bundle) {
        let modules = bundle.modules.iter().map(|module| (module.path.clone(), module.clone())).collect();
        let _ = self.served.set(Served { function: function.to_owned(), modules });
    }

    fn module(&self, url: &str) -> Option<&Module> {
        let Served { function, modules } = self.served.get()?;
        let path = url.strip_prefix(ROOT)?.strip_prefix(function)?.strip_prefix('/')?;
        modules.get(&decoded(path)[..])
    }
}

/// The path behind a URL's escapes.
fn decoded(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| tail.get(..2)).flatten();
        let value = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(value.unwrap_or(byte));
        rest = if value.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// What V8 gets for a module that is imported as `wanted`.
fn source(module: &Module, wanted: &RequestedModuleType) -> Result<(ModuleType, ModuleSourceCode), JsErrorBox> {
    let text = |code: &str| ModuleSourceCode::String(code.to_owned().into());
    let json = module.path.ends_with(".json");
    match (&module.code, wanted) {
        (Code::Text(code), RequestedModuleType::Json) if json => Ok((ModuleType::Json, text(code))),
        (Code::Text(code), RequestedModuleType::None) if !json => Ok((ModuleType::JavaScript, text(code))),
        (Code::Text(_), _) if json => {
            let message = format!("module {:?} needs to be imported with {{ type: \"json\" }}", module.path);
            Err(JsErrorBox::type_error(message))
        }
        (Code::Binary(_), RequestedModuleType::None) => Ok((ModuleType::JavaScript, text(&passed_on(&module.path)))),
        (Code::Binary(bytes), RequestedModuleType::Other(kind)) if kind == compile::TYPE => {
            let code = ModuleSourceCode::Bytes(ModuleCodeBytes::Arc(bytes.clone()));
            Ok((ModuleType::Other(compile::TYPE.into()), code))
        }
        _ => {
            let message = format!("module {:?} cannot be imported with a type", module.path);
            Err(JsErrorBox::type_error(message))
        }
    }
}

/// A module that passes on what a `.wasm` file is compiled to: only a type in the import makes deno_core ask us.
fn passed_on(path: &str) -> String {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let import = serde_json::Value::from(format!("./{name}"));
    format!("export {{ default }} from {import} with {{ type: \"{}\" }};", compile::TYPE)
}

impl ModuleLoader for BundleLoader {
    fn resolve(&self, import: &str, referrer: &str, kind: ResolutionKind) -> deno_core::ModuleResolveResponse {
        let resolve = || {
            let url = match kind {
                ResolutionKind::MainModule => import.to_owned(),
                _ => {
                    let from = decoded(shown(referrer));
                    let served = self.served.get().ok_or_else(|| JsErrorBox::type_error("there are no modules yet"))?;
                    let path = resolve(&from, import, |path| served.modules.contains_key(path))
                        .map_err(|error| JsErrorBox::type_error(error.to_string()))?;
                    specifier(&served.function, &path)
                }
            };
            ModuleSpecifier::parse(&url).map_err(|error| JsErrorBox::type_error(error.to_string()))
        };
        resolve()
    }

    fn load(
        &self,
        url: &ModuleSpecifier,
        _referrer: Option<&ModuleLoadReferrer>,
        options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        let load = || {
            let module = self
                .module(url.as_str())
                .ok_or_else(|| JsErrorBox::type_error(format!("module {:?} does not exist", shown(url.as_str()))))?;
            let (kind, code) = source(module, &options.requested_module_type)?;
            let cache = match (&module.code, &kind) {
                (Code::Text(text), ModuleType::JavaScript) => code_cache::find(text),
                _ => None,
            };
            Ok(ModuleSource::new(kind, code, url, cache))
        };
        ModuleLoadResponse::Sync(load())
    }

    fn code_cache_ready(&self, url: ModuleSpecifier, _: u64, cache: &[u8]) -> Pin<Box<dyn Future<Output = ()>>> {
        if let Some(Module { code: Code::Text(text), .. }) = self.module(url.as_str()) {
            code_cache::keep(text, cache);
        }
        Box::pin(ready(()))
    }

    fn get_source_map(&self, file: &str) -> Option<Cow<'_, [u8]>> {
        self.module(file)?.source_map.as_ref().map(|map| Cow::Borrowed(map.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(from: &str, import: &str) -> Result<String, ImportError> {
        let files = ["index.ts", "lib/a.ts", "lib/b.js", "lib/c.mjs", "data.json", "lib/with space.ts"];
        resolve(from, import, |path| files.contains(&path))
    }

    #[test]
    fn imports_find_files_as_written_and_with_the_extension_they_leave_out() {
        for (from, import, file) in [
            ("index.ts", "./lib/a.ts", "lib/a.ts"),
            ("index.ts", "./lib/a.js", "lib/a.ts"),
            ("index.ts", "./lib/a", "lib/a.ts"),
            ("index.ts", "./lib/b", "lib/b.js"),
            ("index.ts", "./lib/c", "lib/c.mjs"),
            ("lib/a.ts", "../data.json", "data.json"),
            ("lib/a.ts", "./../lib/./b.js", "lib/b.js"),
        ] {
            assert_eq!(find(from, import), Ok(file.to_owned()), "{import} from {from}");
        }
    }

    #[test]
    fn imports_never_leave_the_folder() {
        for import in ["lodash", "node:fs", "npm:left-pad", "https://example.com/x.js", "/etc/passwd", "file:///x"] {
            assert_eq!(find("index.ts", import), Err(ImportError::NotRelative(import.to_owned())));
        }
        assert_eq!(find("index.ts", "../other/index.ts"), Err(ImportError::Outside("../other/index.ts".to_owned())));
        assert_eq!(find("index.ts", "./nothing.ts"), Err(ImportError::NotFound("./nothing.ts".to_owned())));
    }

    #[test]
    fn modules_are_shown_by_their_path_in_the_folder() {
        assert_eq!(shown(&specifier("enrich", "lib/a.ts")), "lib/a.ts");
        assert_eq!(decoded("with%20space%2"), "with space%2");
    }
}
