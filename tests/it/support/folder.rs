//! Functions in a folder, as a user writes them.

use std::fs;
use std::path::{Path, PathBuf};

use super::scene::Scene;

/// A function that was written to the folder.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub path: PathBuf,
    pub group: String,
    pub dead_letter: String,
    pub sources: Vec<String>,
}

/// A function before it is written; everything but the handler has a default.
pub struct Draft<'a> {
    scene: &'a Scene,
    name: String,
    source: String,
    sources: Vec<String>,
    start: String,
    sink: Option<String>,
    also: Vec<String>,
    rest: String,
    own_dead_letter: bool,
}

impl<'a> Draft<'a> {
    pub fn new(scene: &'a Scene, name: String) -> Draft<'a> {
        Draft {
            scene,
            name,
            source: String::new(),
            sources: Vec::new(),
            start: "earliest".to_owned(),
            sink: None,
            also: Vec::new(),
            rest: String::new(),
            own_dead_letter: true,
        }
    }

    pub fn reads(mut self, topic: &str) -> Self {
        self.sources.push(topic.to_owned());
        self
    }

    pub fn start(mut self, start: &str) -> Self {
        self.start = start.to_owned();
        self
    }

    /// Further keys of `[source]`.
    pub fn source(mut self, lines: &str) -> Self {
        self.source.push_str(lines);
        self.source.push('\n');
        self
    }

    pub fn writes(mut self, topic: &str) -> Self {
        self.sink = Some(topic.to_owned());
        self
    }

    pub fn also(mut self, topic: &str) -> Self {
        self.also.push(topic.to_owned());
        self
    }

    /// Further sections of the manifest.
    pub fn with(mut self, sections: &str) -> Self {
        self.rest.push_str(sections);
        self.rest.push('\n');
        self
    }

    /// Does not make the dead-letter topic.
    pub fn without_dead_letter_topic(mut self) -> Self {
        self.own_dead_letter = false;
        self
    }

    fn manifest(&self) -> String {
        let mut text = format!("[source]\nstart = {:?}\n{}", self.start, self.source);
        if !self.sources.is_empty() {
            text.push_str(&format!("topics = {:?}\n", self.sources));
        }
        if self.sink.is_some() || !self.also.is_empty() {
            text.push_str(&format!("[sink]\nalso = {:?}\n", self.also));
        }
        if let Some(sink) = &self.sink {
            text.push_str(&format!("topic = {sink:?}\n"));
        }
        text + &self.rest
    }

    /// Writes it to the folder, with this handler in TypeScript.
    pub fn handler(self, code: &str) -> Function {
        let dead_letter = format!("{}.dead-letter", self.name);
        if self.own_dead_letter {
            self.scene.topics.create(&dead_letter, 1, &[("max.message.bytes", "40000000")]);
        }
        let function = Function {
            path: self.scene.functions().join(&self.name),
            group: format!("eddyline.{}", self.name),
            name: self.name.clone(),
            dead_letter,
            sources: self.sources.clone(),
        };
        fs::create_dir_all(&function.path).expect("a folder");
        function.edit(code);
        function.edit_manifest(&self.manifest());
        function
    }
}

impl Function {
    pub fn edit(&self, code: &str) {
        self.write("index.ts", code);
    }

    pub fn edit_manifest(&self, text: &str) {
        self.write("function.toml", text);
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path.join(file), text).expect("a file");
    }

    pub fn remove(&self) {
        fs::remove_dir_all(&self.path).expect("the folder is removed");
    }
}

/// The root of this repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
