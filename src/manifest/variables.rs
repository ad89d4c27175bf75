//! `[env]` and `[secrets]`: names and values that a function finds in `ctx.env`.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Secret, names::is_variable_name};
use crate::{
    diagnostic::codes,
    document::{TableReader, ValueReader},
};

pub(super) fn read(
    root: &mut TableReader<'_>,
    env: &mut BTreeMap<String, String>,
    secrets: &mut BTreeMap<String, Secret>,
) {
    let variables = entries(root, "env");
    for (name, value) in &variables {
        if let Some(text) = named(name, value).and_then(|()| value.string()) {
            env.insert(name.clone(), text);
        }
    }
    for (name, value) in entries(root, "secrets") {
        if let Some(secret) = named(&name, &value).and_then(|()| secret(&value)) {
            secrets.insert(name.clone(), secret);
        }
        if let Some((_, variable)) = variables.iter().find(|(other, _)| *other == name) {
            let message = format!("`{name}` is both a variable and a secret");
            let both = value.key_error(codes::EXCLUSIVE_KEYS, message);
            let related = variable.key_related("the variable is given here");
            value.note(both.with_hint("rename one of them").with_related(related));
        }
    }
}

fn entries<'d>(root: &mut TableReader<'d>, key: &'static str) -> Vec<(String, ValueReader<'d>)> {
    let table = root.table(key);
    table.map(|table| table.entries()).unwrap_or_default()
}

fn named(name: &str, value: &ValueReader<'_>) -> Option<()> {
    if is_variable_name(name) {
        return Some(());
    }
    let message = format!("{name:?} cannot be the name of a variable");
    let wrong = value.key_error(codes::VARIABLE_NAME, message);
    value.note(wrong.with_hint("use letters, digits and underscores, not starting with a digit"));
    None
}

fn secret(value: &ValueReader<'_>) -> Option<Secret> {
    const HINT: &str = "say where it is found: { env = \"NAME\" } or { file = \"/run/secrets/name\" }";
    if !value.is_table() {
        let message = format!("`{}`: a secret's value does not belong here", value.path());
        return value.refuse(codes::WRONG_TYPE, message, HINT);
    }
    let mut table = value.table()?;
    let env = table.value("env");
    let file = table.value("file");
    table.refuse_unknown();
    match (env, file) {
        (Some(env), None) => {
            let variable = env.string()?;
            if variable.is_empty() || variable.contains(['=', '\0']) {
                let message = format!("{variable:?} cannot be the name of a variable");
                return env.refuse(codes::VARIABLE_NAME, message, "name the node's variable");
            }
            Some(Secret::Env(variable))
        }
        (None, Some(file)) => {
            let path = PathBuf::from(file.string()?);
            if !path.is_absolute() {
                let message = format!("`{}` is not an absolute path: {path:?}", file.path());
                return file.refuse(codes::BAD_VALUE, message, "start it with /");
            }
            Some(Secret::File(path))
        }
        (Some(_), Some(_)) => {
            let message = format!("`{}` has two sources", value.path());
            value.refuse(codes::EXCLUSIVE_KEYS, message, "keep `env` or `file`")
        }
        (None, None) => {
            let message = format!("`{}` does not say where the secret is found", value.path());
            value.refuse(codes::MISSING_KEY, message, HINT)
        }
    }
}
