//! A model of the language that is too simple to be wrong: the data are parsed as a whole and laid out as a list of
//! leaves, and for each alternative of a pattern every choice of leaves is tried.

use serde_json::Value;

/// A scalar of the data, with the way to it.
struct Field<'d> {
    /// The keys on the way.
    path: Vec<String>,
    /// The elements on the way: where each array is, and which of its elements it is.
    elements: Vec<(String, usize)>,
    scalar: &'d Value,
}

type Conditions<'p> = Vec<(Vec<String>, &'p [Value])>;

/// Whether the data match a pattern of the value.
pub(super) fn matches(pattern: &Value, data: &Value) -> bool {
    let mut fields = Vec::new();
    lay_out(data, &mut Vec::new(), &mut Vec::new(), String::new(), &mut fields);
    alternatives(pattern, &[]).iter().any(|conditions| choose(conditions, &fields, &[]))
}

fn lay_out<'d>(
    data: &'d Value,
    path: &mut Vec<String>,
    elements: &mut Vec<(String, usize)>,
    place: String,
    fields: &mut Vec<Field<'d>>,
) {
    match data {
        Value::Object(entries) => {
            for (key, value) in entries {
                path.push(key.clone());
                lay_out(value, path, elements, format!("{place}.{key:?}"), fields);
                path.pop();
            }
        }
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                elements.push((place.clone(), index));
                lay_out(value, path, elements, format!("{place}[{index}]"), fields);
                elements.pop();
            }
        }
        scalar => fields.push(Field { path: path.clone(), elements: elements.clone(), scalar }),
    }
}

fn alternatives<'p>(pattern: &'p Value, path: &[String]) -> Vec<Conditions<'p>> {
    let Value::Object(entries) = pattern else {
        return vec![vec![(path.to_vec(), pattern.as_array().unwrap())]];
    };
    let mut all: Vec<Conditions<'p>> = vec![Vec::new()];
    for (key, value) in entries {
        let these = if key == "$or" {
            value.as_array().unwrap().iter().flat_map(|one| alternatives(one, path)).collect()
        } else {
            alternatives(value, &[path, std::slice::from_ref(key)].concat())
        };
        all = all.iter().flat_map(|one| these.iter().map(|other| [&one[..], &other[..]].concat())).collect();
    }
    all
}

/// Whether a leaf can be chosen for every condition, none of them in another element of the same array than the others.
fn choose(conditions: &[(Vec<String>, &[Value])], fields: &[Field<'_>], chosen: &[(String, usize)]) -> bool {
    let [(path, admissible), rest @ ..] = conditions else { return true };
    let mut here = fields.iter().filter(|field| field.path == *path);
    if admissible.contains(&serde_json::json!({"exists": false})) && here.clone().next().is_none() {
        return choose(rest, fields, chosen);
    }
    here.any(|field| {
        let fits = |(place, index): &(String, usize)| chosen.iter().all(|(other, at)| other != place || at == index);
        admissible.iter().any(|one| admits(one, field.scalar))
            && field.elements.iter().all(fits)
            && choose(rest, fields, &[chosen, &field.elements[..]].concat())
    })
}

fn admits(admissible: &Value, scalar: &Value) -> bool {
    let Value::Object(entries) = admissible else { return equal(admissible, scalar) };
    let (name, value) = entries.iter().next().unwrap();
    match name.as_str() {
        "exists" => value == &Value::Bool(true),
        "anything-but" => match value {
            Value::Object(inner) => {
                let (name, value) = inner.iter().next().unwrap();
                !list(value).iter().any(|one| compares(name, one, scalar))
            }
            listed => !list(listed).iter().any(|one| equal(one, scalar)),
        },
        "numeric" => {
            let terms = value.as_array().unwrap();
            scalar.as_f64().is_some_and(|number| {
                terms.chunks(2).all(|pair| {
                    let other = pair[1].as_f64().unwrap();
                    match pair[0].as_str().unwrap() {
                        "=" => number == other,
                        "<" => number < other,
                        "<=" => number <= other,
                        ">" => number > other,
                        _ => number >= other,
                    }
                })
            })
        }
        name => compares(name, value, scalar),
    }
}

fn compares(name: &str, value: &Value, scalar: &Value) -> bool {
    let (Some(value), Some(text)) = (value.as_str(), scalar.as_str()) else { return false };
    match name {
        "prefix" => text.starts_with(value),
        "suffix" => text.ends_with(value),
        _ => text.to_lowercase() == value.to_lowercase(),
    }
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}
