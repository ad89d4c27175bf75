//! What all attacks stand on: topics, the folders of their functions, and what becomes of their records.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::attack::Attack;
use super::ledger::{Ends, Reader};
use super::servers::Server;
use crate::support::{Function, Node, Record, Scene};

/// The three records that each attacked function gets.
pub const ATTACK: &str = "attack";
pub const NEXT: &str = "next";
pub const AFTER: &str = "after";

pub struct Stage<'a> {
    pub scene: &'a Scene,
    pub ends: Ends,
    pub canary: Server,
    hostile: Server,
    results: String,
    letters: String,
    _reader: Reader,
}

impl<'a> Stage<'a> {
    pub fn new(scene: &'a Scene, attacks: &[Attack]) -> Stage<'a> {
        let (results, letters) = (scene.topic("results", 1), scene.topic("letters", 1));
        let inputs: Vec<String> = attacks.iter().map(|attack| scene.name(&attack.slug())).collect();
        scene.topics.create_all(&inputs);
        let ends = Ends::default();
        let seen = ends.clone();
        let reader = Reader::start(&scene.brokers, &[&results, &letters], move |record| seen.take(record));
        let (hostile, canary) = (Server::hostile(), Server::canary());
        Stage { scene, ends, canary, hostile, results, letters, _reader: reader }
    }

    /// The function of an attack, whose input topic has the same name.
    pub fn function(&self, attack: &Attack) -> Function {
        let name = self.scene.name(&attack.slug());
        Function {
            path: self.scene.functions().join(&name),
            group: format!("eddyline.{name}"),
            dead_letter: self.letters.clone(),
            sources: vec![name.clone()],
            name,
        }
    }

    /// The key of one of an attack's records, in each round another.
    pub fn key(attack: &Attack, round: u32, what: &str) -> String {
        format!("{} {round} {what}", attack.name)
    }

    pub fn write(&self, attack: &Attack, round: u32, what: &[&str]) {
        let value = |what: &str| if what == ATTACK { attack.record.clone() } else { what.as_bytes().to_vec() };
        let records = what.iter().map(|what| Record::new(Stage::key(attack, round, what), value(what)));
        self.scene.write(&self.scene.name(&attack.slug()), records);
    }

    /// Deploys those of a group whose attack is not the loading itself, and waits until each runs or cannot.
    pub fn deploy(&self, node: &Node, group: &[Attack]) {
        let ready: Vec<&Attack> = group.iter().filter(|attack| !attack.is_of_loading()).collect();
        ready.iter().for_each(|attack| self.install(attack));
        for attack in ready {
            node.eventually(&format!("{} runs, waits or is broken", attack.name), |node| {
                let status = node.status(&self.function(attack))?;
                let assigned = status["assignment"].as_array().is_some_and(|all| !all.is_empty());
                let settled = status["state"] == "broken" || status["state"] == "waiting";
                (settled || (status["state"] == "running" && assigned)).then_some(())
            });
        }
    }

    pub fn clear(&self, group: &[Attack]) {
        for attack in group {
            let _ = fs::remove_dir_all(self.function(attack).path);
        }
    }

    /// Puts the folder of an attack's function in place: at once where it is new, and else the handler last.
    pub fn install(&self, attack: &Attack) {
        let function = self.function(attack);
        let is_new = !function.path.exists();
        let path =
            if is_new { self.scene.functions().join(format!(".{}", function.name)) } else { function.path.clone() };
        fs::create_dir_all(&path).expect("a folder");
        let write = |file: &str, bytes: &[u8]| {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap_or(&path)).expect("a folder");
            fs::write(file, bytes).expect("a file");
        };
        for (file, bytes) in &attack.files {
            write(file, bytes);
        }
        for (link, target) in &attack.links {
            symlink(target, path.join(link)).expect("a link");
        }
        if is_new {
            write("function.toml", self.manifest(attack).as_bytes());
        }
        write("index.js", self.filled_in(&attack.code).as_bytes());
        if is_new {
            fs::rename(&path, &function.path).expect("the folder is put in place");
        }
    }

    /// Leaves nothing of an attack's function but a handler that does no harm.
    pub fn mend(&self, attack: &Attack) {
        let function = self.function(attack);
        let kept: HashSet<PathBuf> = ["index.js", "function.toml"].map(|file| function.path.join(file)).into();
        function.write("index.js", "export default () => 'ok';");
        for entry in fs::read_dir(&function.path).expect("the folder").filter_map(Result::ok) {
            if !kept.contains(&entry.path()) {
                fs::remove_file(entry.path()).expect("a file is removed");
            }
        }
    }

    /// Puts the addresses of our servers in.
    pub fn filled_in(&self, text: &str) -> String {
        let (server, canary) = (self.hostile.port, self.canary.port);
        text.replace("$CANARY_PORT", &canary.to_string())
            .replace("$CANARY", &format!("127.0.0.1:{canary}"))
            .replace("$SERVER", &format!("127.0.0.1:{server}"))
    }

    fn manifest(&self, attack: &Attack) -> String {
        let mut text = attack.tenant.iter().map(|tenant| format!("tenant = {tenant:?}\n")).collect::<String>();
        text += &format!("[source]\nstart = \"earliest\"\ntopics = [{:?}]\n", self.scene.name(&attack.slug()));
        text += &format!("[sink]\ntopic = {:?}\n[dead-letter]\ntopic = {:?}\n", self.results, self.letters);
        text += &format!(
            "[retry]\nmax-attempts = {}\nbackoff = {{ initial = \"10ms\", max = \"20ms\" }}\n",
            attack.attempts
        );
        text += &format!("[limits]\n{}\n{}\n", attack.limits.join("\n"), attack.manifest.join("\n"));
        self.filled_in(&text)
    }

    /// Keys of results and letters that no record of ours has.
    pub fn strangers(&self, attacks: &[Attack]) -> Vec<String> {
        self.ends.strangers(|key| attacks.iter().any(|attack| key.starts_with(&format!("{} ", attack.name))))
    }
}
