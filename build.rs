//! Copies the JavaScript of the web APIs out of the crates that carry it, so that the binary needs no file at run time.
//!
//! Those crates name their scripts by their path on the machine that built them; `worker::extensions` replaces these
//! entries by the copies made here. What isolates load only when they use it goes to `worker::later`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The scripts that handlers can reach and that are in the snapshot, by crate.
const SCRIPTS: [(&str, &[&str]); 3] = [
    ("deno_webidl", &["00_webidl.js"]),
    (
        "deno_web",
        &[
            "00_infra.js",
            "00_url.js",
            "01_console.js",
            "01_dom_exception.js",
            "01_mimesniff.js",
            "01_urlpattern.js",
            "02_event.js",
            "02_timers.js",
            "03_abort_signal.js",
            "05_base64.js",
            "08_text_encoding.js",
            "09_file.js",
            "13_message_port.js",
            "15_performance.js",
        ],
    ),
    ("deno_crypto", &["00_crypto.js"]),
];

/// Those that each isolate loads when it first uses them.
const LATER: (&str, &[&str]) = ("deno_web", &["02_structured_clone.js", "06_streams.js", "12_location.js"]);
/// The same, of a crate that is not compiled, for its scripts are all that we want of it.
const LATER_MORE: (&str, &[&str]) =
    ("deno_fetch", &["20_headers.js", "21_formdata.js", "22_body.js", "23_request.js", "23_response.js"]);
/// The manifest that has cargo fetch it.
const MORE: &str = "vendor/scripts/Cargo.toml";
/// The same, of our own.
const LATER_OWN: [(&str, &str); 2] = [
    ("ext:eddyline/fetch.js", "src/worker/js/fetch.js"),
    ("ext:deno_fetch/22_http_client.js", "src/worker/js/http_client.js"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rerun-if-changed=vendor/scripts/Cargo.lock");
    // `kafka::native::patience` and `kafka::native::bootstrap` take the place of functions of librdkafka's.
    for function in ["rd_kafka_msgq_allow_wakeup_at", "rd_kafka_parse_Metadata", "rd_kafka_rebootstrap_tmr_stop"] {
        println!("cargo::rustc-link-arg=-Wl,--wrap={function}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let ours = metadata("Cargo.toml");
    copy(&out, "web_scripts.rs", &SCRIPTS, &ours);
    let mut later = of_crate(&ours, LATER);
    later.extend(of_crate(&metadata(MORE), LATER_MORE));
    later.extend(LATER_OWN.map(|(name, file)| (name.to_owned(), PathBuf::from(file))));
    wrap(&out, &later);
}

/// The names of scripts, and where they lie.
fn of_crate(metadata: &str, (package, files): (&str, &[&str])) -> Vec<(String, PathBuf)> {
    let folder = folder(metadata, package);
    files.iter().map(|file| (format!("ext:{package}/{file}"), folder.join(file))).collect()
}

/// Makes a function's body of each script, which is a function called at once: it returns what that returns.
fn wrap(out: &Path, scripts: &[(String, PathBuf)]) {
    let mut table = format!("static LATER: [Script; {}] = [\n", scripts.len());
    for (name, from) in scripts {
        println!("cargo::rerun-if-changed={}", from.display());
        let text = fs::read_to_string(from).unwrap_or_else(|error| panic!("cannot read {}: {error}", from.display()));
        assert!(text.is_ascii(), "{} is not ASCII", from.display());
        let start = text.find("\n(function () {").unwrap_or_else(|| panic!("{} is no function", from.display()));
        let function = text[start..].trim().trim_end_matches(';');
        let copy = out.join(name.replace([':', '/'], "-"));
        fs::write(&copy, format!("\"use strict\"; return ({function});")).expect("OUT_DIR can be written");
        writeln!(table, "Script::of_ascii({name:?}, include_str!({copy:?})),").expect("a string takes everything");
    }
    table.push_str("];");
    fs::write(out.join("later_scripts.rs"), table).expect("OUT_DIR can be written");
}

/// Copies scripts to where the compiler finds them, and writes the table that takes them in.
fn copy(out: &Path, table_name: &str, scripts: &[(&str, &[&str])], metadata: &str) {
    let mut table = String::from("vec![\n");
    for (package, files) in scripts {
        let folder = folder(metadata, package);
        for file in *files {
            let from = folder.join(file);
            let copy = out.join(format!("{package}-{file}"));
            fs::copy(&from, &copy).unwrap_or_else(|error| panic!("cannot copy {}: {error}", from.display()));
            writeln!(
                table,
                "deno_core::ExtensionFileSource::new(\"ext:{package}/{file}\", deno_core::ascii_str_include!({copy:?})),"
            )
            .expect("a string takes everything");
        }
    }
    table.push(']');
    fs::write(out.join(table_name), table).expect("OUT_DIR can be written");
}

fn metadata(manifest: &str) -> String {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let cargo = env::var_os("CARGO").expect("cargo sets CARGO");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &target, "--manifest-path", manifest])
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo metadata of {manifest}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// Where a package lies. One key of a large document is not worth a JSON parser in the build script.
fn folder(metadata: &str, package: &str) -> PathBuf {
    let head = format!("{{\"name\":\"{package}\",\"version\":");
    let at = metadata.find(&head).unwrap_or_else(|| panic!("{package} is no dependency"));
    let key = "\"manifest_path\":\"";
    let rest = &metadata[at..];
    let rest = &rest[rest.find(key).expect("each package has a manifest") + key.len()..];
    let path = &rest[..rest.find('"').expect("a path ends")];
    Path::new(&path.replace("\\\\", "\\")).parent().expect("a manifest lies in a folder").to_owned()
}
