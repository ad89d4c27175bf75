//! The templates that new functions begin with; they are part of the binary.

/// One template: its files by name, with `{{name}}` where the function's name belongs.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) files: &'static [(&'static str, &'static str)],
}

macro_rules! template {
    ($name:literal, $handler:literal) => {
        Template {
            name: $name,
            files: &[
                ("function.toml", include_str!(concat!("../../../templates/", $name, "/function.toml"))),
                ($handler, include_str!(concat!("../../../templates/", $name, "/", $handler))),
            ],
        }
    };
}

const TEMPLATES: [Template; 6] = [
    template!("enrich", "index.ts"),
    template!("filter", "index.ts"),
    template!("route", "index.ts"),
    template!("redact", "index.ts"),
    template!("batch", "index.ts"),
    template!("javascript", "index.js"),
];

/// The types of the handler API.
pub(super) const TYPES: &str = include_str!("../../../types/eddyline.d.ts");
/// Settings for editors and `tsc`.
pub(super) const COMPILER_SETTINGS: &str = include_str!("../../../templates/tsconfig.json");

pub(super) fn names() -> Vec<&'static str> {
    TEMPLATES.iter().map(|template| template.name).collect()
}

/// The template of that name, which the arguments have checked.
pub(super) fn find(name: &str) -> &'static Template {
    TEMPLATES.iter().find(|template| template.name == name).unwrap_or(&TEMPLATES[0])
}

impl Template {
    pub(super) fn handler_file(&self) -> &'static str {
        self.files.last().map_or("index.ts", |file| file.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::manifest::{ENTRY_FILES, MANIFEST_FILE, Manifest, ParseOptions};

    #[test]
    fn every_template_has_a_manifest_that_parses_and_a_handler() {
        for template in &TEMPLATES {
            let text = |name: &str| template.files.iter().find(|file| file.0 == name).map(|file| file.1);
            let manifest = text(MANIFEST_FILE).unwrap().replace("{{name}}", "some-function");
            let parsed =
                Manifest::parse(Path::new(MANIFEST_FILE), "some-function", &manifest, &ParseOptions::default());
            assert!(parsed.is_ok(), "{}: {}", template.name, parsed.unwrap_err());
            assert!(ENTRY_FILES.contains(&template.handler_file()), "{}", template.name);
        }
    }

    #[test]
    fn every_folder_of_templates_is_offered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(names().contains(&name.as_str()), "{name} is not in TEMPLATES");
        }
    }
}
