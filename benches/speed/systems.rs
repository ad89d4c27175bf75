//! How each program under test is started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::contract::{Contract, Work};
use crate::loads::{BENTO, BLOBLANG, COPY, EDDYLINE, GRAAL, JAVA, KAFKAJS, Load, Order, PLATFORMATIC, V8};
use crate::machine::{first_cores, pinned};

/// Where things are.
pub struct Places {
    pub root: PathBuf,
    /// Where `benches/peers/build` has put the peers.
    pub peers: PathBuf,
    pub scratch: PathBuf,
}

/// One run of one system.
pub struct Start<'a> {
    pub places: &'a Places,
    pub system: &'a str,
    pub load: &'a Load,
    pub contract: &'a Contract,
    /// One for each function; the contract names the first.
    pub inputs: &'a [String],
}

impl Places {
    /// A run finds nothing of another.
    pub fn clear(&self) -> Result<()> {
        if self.scratch.exists() {
            fs::remove_dir_all(&self.scratch)?;
        }
        Ok(fs::create_dir_all(&self.scratch)?)
    }
}

pub fn title(system: &str) -> &'static str {
    match system {
        EDDYLINE => "Eddyline",
        COPY => "floor: bare copy",
        V8 => "floor: one V8 isolate per thread, by hand",
        PLATFORMATIC => "Node, @platformatic/kafka",
        KAFKAJS => "Node, kafkajs",
        JAVA => "Kafka Streams, Java and Jackson",
        GRAAL => "Kafka Streams, GraalJS interpreted",
        BENTO => "Bento, `javascript`",
        BLOBLANG => "Bento, Bloblang",
        _ => "unknown",
    }
}

/// Whether a customer's orders come out as they went in. Bento gives that up for more than one thread.
pub fn keeps_order(system: &str) -> bool {
    !matches!(system, BENTO | BLOBLANG)
}

/// What is missing for a system, if anything is.
pub fn missing(places: &Places, system: &str) -> Option<PathBuf> {
    let needed = match system {
        PLATFORMATIC | KAFKAJS => places.peers.join("node/node_modules"),
        JAVA | GRAAL => places.peers.join("streams/libs"),
        BENTO | BLOBLANG => places.peers.join("bento/bento"),
        _ => return None,
    };
    (!needed.exists()).then_some(needed)
}

impl Start<'_> {
    /// All processes of it; what they say goes to `log` in the scratch folder.
    pub fn commands(&self) -> Result<Vec<Command>> {
        let mut commands = match self.system {
            EDDYLINE => vec![self.eddyline()?],
            COPY | V8 => {
                let mut command = self.pinned(std::env::current_exe()?);
                command.arg(self.system);
                vec![command]
            }
            // One thread runs JavaScript in a process of Node, so its users start several.
            PLATFORMATIC | KAFKAJS => (0..self.contract.threads).map(|_| self.node()).collect(),
            JAVA | GRAAL => vec![self.streams()],
            BENTO | BLOBLANG => vec![self.bento()?],
            other => bail!("there is no system {other}"),
        };
        for command in &mut commands {
            let log = File::options().create(true).append(true).open(self.places.scratch.join("log"))?;
            command.envs(self.contract.to_environment()).current_dir(&self.places.scratch);
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        }
        Ok(commands)
    }

    fn pinned(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        pinned(&first_cores(self.load.cores), program)
    }

    fn peer(&self, path: &str) -> PathBuf {
        self.places.peers.join(path)
    }

    fn eddyline(&self) -> Result<Command> {
        let functions = self.places.scratch.join("functions");
        for (index, input) in self.inputs.iter().enumerate() {
            let folder = functions.join(format!("bench-{index}"));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("index.js"), handler(self.contract.work))?;
            fs::write(folder.join("function.toml"), self.manifest(index, input))?;
        }
        let config = self.places.scratch.join("eddyline.toml");
        let text = format!(
            "[kafka]\nbrokers = \"{}\"\n[functions]\npath = \"functions\"\n[node]\nid = \"bench\"\n\
             [workers]\ncount = {}\n[admin]\nlisten = \"127.0.0.1:0\"\n[logging]\nlevel = \"warn\"\n",
            self.contract.brokers, self.contract.threads
        );
        fs::write(&config, text)?;
        let mut command = self.pinned(env!("CARGO_BIN_EXE_eddyline"));
        command.arg("run").arg("--config").arg(config);
        Ok(command)
    }

    fn manifest(&self, index: usize, input: &str) -> String {
        let Contract { output, group, exactly_once, .. } = self.contract;
        let guarantee = if *exactly_once { "exactly-once" } else { "at-least-once" };
        let order = match self.load.order {
            Order::Partition => "order = \"partition\"",
            Order::Key => "order = \"key\"\nconcurrency = 100",
            Order::None => "order = \"none\"\nconcurrency = 100",
        };
        format!(
            "[source]\ntopics = [\"{input}\"]\nstart = \"earliest\"\ngroup = \"{group}-{index}\"\n\
             [sink]\ntopic = \"{output}\"\n[delivery]\nguarantee = \"{guarantee}\"\n{order}\n\
             [dead-letter]\nenabled = false\n"
        )
    }

    fn node(&self) -> Command {
        let mut command = self.pinned(self.peer("node/node_modules/.bin/node"));
        command.arg(self.peer(&format!("node/{}.js", self.system.trim_start_matches("node-"))));
        command
    }

    fn streams(&self) -> Command {
        let mut command = self.pinned("java");
        command.args(["-Xms256m", "-Xmx1g", "-XX:+UseParallelGC", "-cp"]);
        command.arg(format!("{}:{}/*", self.peer("streams/classes").display(), self.peer("streams/libs").display()));
        command.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dpolyglot.engine.WarnInterpreterOnly=false"]);
        command.arg("Main").arg(if self.system == GRAAL { "graaljs" } else { "java" });
        command.env("BENCH_STATE", self.places.scratch.join("state"));
        command
    }

    fn bento(&self) -> Result<Command> {
        let kind = self.system.trim_start_matches("bento-");
        let work = self.contract.work.name();
        let processors = self.places.root.join(format!("benches/peers/bento/{kind}.{work}.yaml"));
        let base = fs::read_to_string(self.places.root.join("benches/peers/bento/config.yaml"))?;
        let work = fs::read_to_string(&processors).with_context(|| format!("{}", processors.display()))?;
        let config = self.places.scratch.join("bento.yaml");
        fs::write(&config, base.replace("processors: []", work.trim_end()))?;
        let mut command = self.pinned(self.peer("bento/bento"));
        command.arg("-c").arg(config);
        Ok(command)
    }
}

/// The load as a user of Eddyline writes it.
fn handler(work: Work) -> &'static str {
    match work {
        Work::Passthrough => "export default (record) => record;\n",
        Work::Enrich => {
            "export default function (record) {\n  const order = record.json();\n  \
             order.total = order.quantity * order.price;\n  return order;\n}\n"
        }
        Work::Filter => {
            "export default function (record) {\n  if (record.json().status === \"returned\") return record;\n}\n"
        }
        Work::FanOut => {
            "export default function (record, ctx) {\n  const order = record.json();\n  \
             for (let part = 0; part < 3; part++) ctx.emit({ ...order, part });\n}\n"
        }
        Work::Timer => {
            "export default async function (record) {\n  \
             await new Promise((done) => setTimeout(done, 1));\n  return record;\n}\n"
        }
    }
}

/// The last lines that a system has written, for who has to find out why it failed.
pub fn last_words(scratch: &Path) -> String {
    let text = fs::read(scratch.join("log")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
