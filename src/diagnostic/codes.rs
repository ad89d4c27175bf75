//! The codes of mistakes in manifests and configuration; `docs/errors/` has a page for each.

pub const SYNTAX: &str = "E1001";
pub const UNKNOWN_KEY: &str = "E1002";
pub const WRONG_TYPE: &str = "E1003";
pub const BAD_VALUE: &str = "E1004";
pub const MISSING_KEY: &str = "E1005";
pub const UNREADABLE: &str = "E1006";
pub const FUNCTION_NAME: &str = "E1007";
pub const TOPIC_NAME: &str = "E1008";
pub const PATTERN: &str = "E1009";
pub const EXCLUSIVE_KEYS: &str = "E1010";
pub const OWN_SINK: &str = "E1011";
pub const VARIABLE_NAME: &str = "E1012";
pub const SECRET: &str = "E1013";
pub const NOT_SUPPORTED_YET: &str = "E1014";
pub const DUPLICATE_NAME: &str = "E1015";
pub const SHARED_GROUP: &str = "E1016";
pub const RESERVED_PROPERTY: &str = "E1017";
pub const ABOVE_CEILING: &str = "E1018";
pub const HOST: &str = "E1019";
pub const FILTER: &str = "E1020";
pub const NO_ENTRY: &str = "E1201";
pub const SYNTAX_ERROR: &str = "E1202";
pub const IMPORT: &str = "E1203";
pub const LOAD_FAILED: &str = "E1204";
pub const WRONG_EXPORT: &str = "E1205";
pub const LOAD_LIMIT: &str = "E1206";
pub const WASM: &str = "E1207";

/// Each code with the title of its page.
pub const CODES: &[(&str, &str)] = &[
    (SYNTAX, "The file is not valid TOML"),
    (UNKNOWN_KEY, "Unknown key or table"),
    (WRONG_TYPE, "A value of the wrong type"),
    (BAD_VALUE, "A value that is not allowed"),
    (MISSING_KEY, "A required key is missing"),
    (UNREADABLE, "A file cannot be read"),
    (FUNCTION_NAME, "A name that a function or tenant cannot have"),
    (TOPIC_NAME, "A name that a topic or group cannot have"),
    (PATTERN, "A source pattern that is not a regular expression"),
    (EXCLUSIVE_KEYS, "Keys that exclude each other"),
    (OWN_SINK, "A function that reads what it writes"),
    (VARIABLE_NAME, "A name that a variable or secret cannot have"),
    (SECRET, "A secret cannot be resolved"),
    (NOT_SUPPORTED_YET, "A feature that is not supported yet"),
    (DUPLICATE_NAME, "Two functions of one name"),
    (SHARED_GROUP, "Two functions in one consumer group"),
    (RESERVED_PROPERTY, "A Kafka property that Eddyline sets itself"),
    (ABOVE_CEILING, "A limit above what the node allows"),
    (HOST, "A host that `fetch` cannot be allowed"),
    (FILTER, "A filter pattern that cannot be used"),
    (NO_ENTRY, "The function has no handler module"),
    (SYNTAX_ERROR, "A module has a syntax error"),
    (IMPORT, "An import that is not allowed or not found"),
    (LOAD_FAILED, "A module throws while it is loaded"),
    (WRONG_EXPORT, "The default export is no handler"),
    (LOAD_LIMIT, "Loading takes too long or too much memory"),
    (WASM, "A WebAssembly module that cannot be used"),
];

/// The code as a constant, if it is one of ours; for codes that come from outside.
pub fn known(code: &str) -> Option<&'static str> {
    let found = CODES.iter().find(|(known, _)| *known == code);
    found.map(|(known, _)| *known)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_code_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors");
        for (code, title) in CODES {
            let page = std::fs::read_to_string(pages.join(format!("{code}.md"))).expect(code);
            let heading = page.lines().next();
            assert_eq!(heading, Some(format!("# {code}: {title}").as_str()));
            assert!(page.contains("**What to do.**"), "{code}");
        }
    }

    #[test]
    fn codes_are_unique_and_sorted() {
        assert!(CODES.is_sorted_by(|left, right| left.0 < right.0));
    }
}
