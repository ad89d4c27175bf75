//! Defaults, file, environment and flags, laid over one another.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use ::config::{Config, ConfigError, Source, Value, ValueKind};

use super::{
    DEFAULT_TOML, NodeConfig, Origin, Setting,
    layer::{self, Entry},
    schema::{self, PROPERTIES},
};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};

/// The file that is read from the working folder if none is named.
pub const CONFIG_FILE: &str = "eddyline.toml";

/// Everything that the configuration depends on, so that loading it touches no global state.
pub struct LoadOptions<E> {
    /// `--config`; this file has to exist.
    pub file: Option<PathBuf>,
    /// The working folder, where `eddyline.toml` is looked for.
    pub dir: PathBuf,
    /// The environment, such as `std::env::vars()`.
    pub env: E,
    /// What flags set, by dotted key.
    pub flags: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: NodeConfig,
    /// Every key with its value and where that came from, in the order of the reference.
    pub settings: Vec<Setting>,
}

/// The effective configuration, or all mistakes of all layers.
pub fn load<E>(options: LoadOptions<E>) -> Result<Loaded, Diagnostics>
where
    E: Iterator<Item = (String, String)>,
{
    let mut mistakes = Diagnostics::new();
    let default_file = Path::new("default.toml");
    let mut layers = vec![layer::from_text(default_file, DEFAULT_TOML, &Origin::Default, &mut mistakes)];
    if let Some((file, text)) = read_file(options.file, &options.dir)? {
        let origin = Origin::File(file.clone());
        layers.push(layer::from_text(&file, &text, &origin, &mut mistakes));
    }
    layers.push(layer::from_environment(options.env, &mut mistakes));
    layers.push(layer::from_flags(options.flags.into_iter(), &mut mistakes));
    if mistakes.has_errors() {
        return Err(mistakes);
    }
    let mut config = merge(&layers).map_err(|error| {
        let message = format!("the configuration does not fit together: {error}");
        Diagnostic::error(codes::BAD_VALUE, CONFIG_FILE, message)
    })?;
    let settings = settings(&layers, &config);
    settle_limits(&mut config, &settings)?;
    Ok(Loaded { config, settings })
}

/// Remembers where ceilings were set, and refuses a default that is above its own.
fn settle_limits(config: &mut NodeConfig, settings: &[Setting]) -> Result<(), Diagnostics> {
    let chosen = settings.iter().filter(|setting| setting.origin != Origin::Default);
    let origins: BTreeMap<&str, String> =
        chosen.map(|setting| (setting.key.as_str(), setting.origin.to_string())).collect();
    let max = origins.iter().filter_map(|(key, origin)| Some((key.strip_prefix("limits.max.")?, origin)));
    config.limits.origins = max.map(|(key, origin)| (key.to_owned(), origin.clone())).collect();
    let is_chosen = |key: &str| origins.contains_key(format!("limits.default.{key}").as_str());
    let Some((key, default, max)) = config.limits.settle(is_chosen) else {
        return Ok(());
    };
    let place = origins.get(format!("limits.default.{key}").as_str()).map_or(CONFIG_FILE, String::as_str);
    let message = format!("`limits.default.{key}` is {default}, above `limits.max.{key}`, which is {max}");
    let hint = "lower the default or raise the ceiling";
    Err(Diagnostic::error(codes::BAD_VALUE, place, message).with_hint(hint).into())
}

fn read_file(named: Option<PathBuf>, dir: &Path) -> Result<Option<(PathBuf, String)>, Diagnostics> {
    let must_exist = named.is_some();
    let file = named.unwrap_or_else(|| dir.join(CONFIG_FILE));
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some((file, text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(None),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", file.display());
            Err(Diagnostic::error(codes::UNREADABLE, file, message)
                .with_hint("name a readable TOML file, or leave --config out")
                .into())
        }
    }
}

fn merge(layers: &[Vec<Entry>]) -> Result<NodeConfig, ConfigError> {
    let mut builder = Config::builder();
    for entries in layers {
        builder = builder.add_source(Layer(entries.clone()));
    }
    builder.build()?.try_deserialize()
}

/// A layer as the `config` crate takes it: tables within tables, but the names of properties whole.
#[derive(Clone, Debug)]
struct Layer(Vec<Entry>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<HashMap<String, Value>, ConfigError> {
        let mut root = HashMap::new();
        for entry in &self.0 {
            let origin = entry.origin.to_string();
            let value = Value::new(Some(&origin), ValueKind::String(entry.text.clone()));
            insert(&mut root, &path(&entry.key), value);
        }
        Ok(root)
    }
}

fn path(key: &str) -> Vec<&str> {
    match key.strip_prefix(PROPERTIES) {
        Some(property) => vec!["kafka", "properties", property],
        None => key.split('.').collect(),
    }
}

fn insert(table: &mut HashMap<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = table.entry((*first).to_owned()).or_insert_with(|| HashMap::<String, Value>::new().into());
            if let ValueKind::Table(inner) = &mut inner.kind {
                insert(inner, rest, value);
            }
        }
    }
}

fn settings(layers: &[Vec<Entry>], config: &NodeConfig) -> Vec<Setting> {
    let mut effective: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in layers.iter().flatten() {
        effective.insert(&entry.key, entry);
    }
    let mut settings = Vec::new();
    for key in schema::KEYS {
        let found = effective.get(key.name);
        let value = found.map(|entry| entry.shown().to_owned());
        let fallback = (key.name == "node.id").then(|| config.node_id());
        settings.push(Setting {
            key: key.name.to_owned(),
            value: value.or(fallback),
            origin: found.map_or(Origin::Default, |entry| entry.origin.clone()),
        });
        if key.name == "kafka.brokers" {
            let properties = effective.range(PROPERTIES..);
            settings.extend(properties.take_while(|(key, _)| key.starts_with(PROPERTIES)).map(|(key, entry)| {
                Setting { key: (*key).to_owned(), value: Some(entry.shown().to_owned()), origin: entry.origin.clone() }
            }));
        }
    }
    settings
}
