//! The dead-letter commands, run as a person runs them, and letters written without a node.

use std::process::{Command, Output};

use serde_json::Value;

use super::record::Record;
use super::scene::Scene;

/// What a command said and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let code = output.status.code().expect("it ended by itself");
        Said { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// The lines of its output, each of them JSON; it must have worked.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[track_caller]
    pub fn worked(&self) -> &Said {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
}

impl Scene {
    /// Runs `eddyline dead-letters` with these arguments.
    #[track_caller]
    pub fn dead_letters(&self, arguments: &[&str]) -> Said {
        let functions = self.functions();
        let functions = functions.to_str().expect("text");
        let mut command = Command::new(env!("CARGO_BIN_EXE_eddyline"));
        command.current_dir(self.folder()).arg("dead-letters").args(arguments);
        command.args(["--brokers", &self.brokers, "--functions", functions]);
        Said::of(command.output().expect("the program runs"))
    }

    /// The letters that `list` shows with these arguments.
    #[track_caller]
    pub fn listed(&self, arguments: &[&str]) -> Vec<Value> {
        self.dead_letters(&[&["list", "--output", "json"], arguments].concat()).lines()
    }
}

/// A letter of this function, as a node would write it.
pub fn letter(function: &str, record: Record, code: &str) -> Record {
    let said = [
        ("function", function),
        ("version", "1"),
        ("code", code),
        ("message", "Error: no good"),
        ("stack", "    at index.ts:1:2"),
        ("attempts", "3"),
        ("topic", "orders"),
        ("partition", "4"),
        ("offset", "17"),
        ("timestamp", "2017-07-14T02:40:00.123Z"),
        ("failed-at", &format!("{:.3}", jiff::Timestamp::now())),
    ]
    .map(|(name, value)| (format!("eddyline.error.{name}"), value.to_owned()));
    said.iter().fold(record, |record, (name, value)| record.header(name, value))
}
