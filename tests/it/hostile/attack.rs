//! One attack: a file of `tests/hostile/`, with what its head says.

use std::fs;

use serde_json::Value;

use super::bytes;
use super::end::End;
use crate::support::folder::repository;

#[derive(Debug)]
pub struct Attack {
    /// The kind, a slash, and the file's name without its extension.
    pub name: String,
    pub code: String,
    /// What it may end in, any of these.
    pub expected: Vec<End>,
    /// What the records behind it end in.
    pub next: End,
    pub limits: Vec<String>,
    pub manifest: Vec<String>,
    pub tenant: Option<String>,
    pub attempts: u32,
    /// The value of the record that attacks.
    pub record: Vec<u8>,
    /// Replaces the handler between the attack and the records behind it.
    pub second: Option<String>,
    /// Further files, by path.
    pub files: Vec<(String, Vec<u8>)>,
    /// Symbolic links, by path, with their targets.
    pub links: Vec<(String, String)>,
}

impl Attack {
    /// The name as a part of a function's name.
    pub fn slug(&self) -> String {
        self.name.replace('/', "-")
    }

    /// Whether loading the function is the attack.
    pub fn is_of_loading(&self) -> bool {
        self.expected.iter().any(End::is_of_loading)
    }

    /// Whether a record attacks, too.
    pub fn has_record(&self) -> bool {
        self.expected.iter().any(|end| !end.is_of_loading())
    }
}

/// All attacks, by name.
pub fn all() -> Vec<Attack> {
    let root = repository().join("tests/hostile");
    let mut all = Vec::new();
    for kind in fs::read_dir(&root).expect("the attacks") {
        let kind = kind.expect("an entry").path();
        if !kind.is_dir() {
            continue;
        }
        for file in fs::read_dir(&kind).expect("a kind of attacks") {
            let path = file.expect("an entry").path();
            let name = path.strip_prefix(&root).expect("a path below").with_extension("").display().to_string();
            let text = fs::read_to_string(&path).expect("an attack is text");
            all.push(parse(&name, &text).unwrap_or_else(|why| panic!("tests/hostile/{name}.js: {why}")));
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// The directives at the top of a file, name by rest.
fn directives(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let head = text.lines().map_while(|line| line.strip_prefix("// "));
    head.map(|line| line.split_once(": ").ok_or_else(|| format!("{line:?} is no directive"))).collect()
}

fn parse(name: &str, code: &str) -> Result<Attack, String> {
    let mut attack = Attack {
        name: name.to_owned(),
        code: code.to_owned(),
        expected: Vec::new(),
        next: End::Done(vec!["ok".to_owned()]),
        limits: Vec::new(),
        manifest: Vec::new(),
        tenant: None,
        attempts: 1,
        record: b"attack".to_vec(),
        second: None,
        files: Vec::new(),
        links: Vec::new(),
    };
    let (mut described, mut expected, mut results) = (false, "", Vec::new());
    for (key, rest) in directives(code)? {
        match key {
            "attack" => described = true,
            "expect" => expected = rest,
            "both" | "several" => {}
            "result" => results = texts(rest)?,
            "next" => {
                attack.next = if rest.starts_with('"') { End::Done(texts(rest)?) } else { End::parse(rest, &[])? }
            }
            "limits" => attack.limits.push(rest.to_owned()),
            "manifest" => attack.manifest.push(rest.to_owned()),
            "tenant" => attack.tenant = Some(rest.to_owned()),
            "attempts" => attack.attempts = rest.parse().map_err(|_| "attempts is no number")?,
            "record" => attack.record = bytes::parse(rest)?,
            "second" => attack.second = Some(rest.to_owned()),
            "make" => make(&mut attack.files, rest)?,
            "link" => {
                let (path, target) = rest.split_once(" -> ").ok_or("a link is `path -> target`")?;
                attack.links.push((path.to_owned(), target.to_owned()));
            }
            "modules" => chain(&mut attack.files, rest.parse().map_err(|_| "modules is no number")?),
            other => return Err(format!("no directive is called {other:?}")),
        }
    }
    attack.expected = expected.split('|').map(|end| End::parse(end, &results)).collect::<Result<_, _>>()?;
    let explained = code.contains("\n// both: ") || code.contains("\n// several: ");
    match described && (attack.expected.len() == 1) != explained {
        true => Ok(attack),
        false => Err("it says what is attacked, and why more than one end is admissible, if so".to_owned()),
    }
}

/// A text, or a list of texts, as JSON.
fn texts(json: &str) -> Result<Vec<String>, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| format!("{json} holds no text"));
    match serde_json::from_str(json).map_err(|error| error.to_string())? {
        Value::Array(all) => all.iter().map(text).collect(),
        one => Ok(vec![text(&one)?]),
    }
}

fn make(files: &mut Vec<(String, Vec<u8>)>, rest: &str) -> Result<(), String> {
    let (path, description) = rest.split_once(" = ").ok_or("a file is made as `path = bytes`")?;
    let more = bytes::parse(description)?;
    match files.iter_mut().find(|(known, _)| known == path) {
        Some((_, bytes)) => bytes.extend(more),
        None => files.push((path.to_owned(), more)),
    }
    Ok(())
}

/// Modules that import each other, one after the other.
fn chain(files: &mut Vec<(String, Vec<u8>)>, count: usize) {
    for n in 0..count {
        let code = match n + 1 < count {
            true => format!("import {{ depth as d }} from './m{}.js';\nexport const depth = d + 1;\n", n + 1),
            false => "export const depth = 1;\n".to_owned(),
        };
        files.push((format!("m{n}.js"), code.into_bytes()));
    }
}
