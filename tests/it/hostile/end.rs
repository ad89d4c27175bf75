//! What a record, or the loading of a function, may end in.

use std::fmt;

use eddyline::outcome::Outcome;

/// The label and code of every outcome that is a failure.
fn labels() -> impl Iterator<Item = (&'static str, &'static str)> {
    Outcome::ALL.into_iter().filter_map(|outcome| Some((outcome.label(), outcome.code()?)))
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With these results, in their order.
    Done(Vec<String>),
    /// Without a result.
    Filtered,
    /// In a dead letter with this code.
    Failed(String),
    /// The function cannot be loaded, for the reason of this code.
    Problem(String),
    /// The function can be loaded.
    Loads,
    /// In none of these, within the time that was given to it.
    Nothing(String),
}

impl End {
    /// As it is written in the head of an attack; `results` are those that come with `done`.
    pub fn parse(text: &str, results: &[String]) -> Result<End, String> {
        match text.trim() {
            "done" if results.is_empty() => Err("`done` needs a result".to_owned()),
            "done" => Ok(End::Done(results.to_vec())),
            "filtered" => Ok(End::Filtered),
            "loads" => Ok(End::Loads),
            text => {
                let (label, code) = text.rsplit_once(' ').ok_or_else(|| format!("{text:?} has no code"))?;
                if label == "problem" {
                    return Ok(End::Problem(code.to_owned()));
                }
                match labels().any(|known| known == (label, code)) {
                    true => Ok(End::Failed(code.to_owned())),
                    false => Err(format!("{text:?} is the label and code of no outcome")),
                }
            }
        }
    }

    /// Whether it can be seen before any record is handled.
    pub fn is_of_loading(&self) -> bool {
        matches!(self, End::Problem(_) | End::Loads)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Done(results) => {
                let results: Vec<String> = results.iter().map(|text| text.chars().take(200).collect()).collect();
                write!(f, "done {results:?}")
            }
            End::Filtered => f.write_str("filtered"),
            End::Failed(code) => {
                let label = labels().find(|(_, known)| known == code).map_or("?", |(label, _)| label);
                write!(f, "{label} {code}")
            }
            End::Problem(code) => write!(f, "problem {code}"),
            End::Loads => f.write_str("loads"),
            End::Nothing(why) => write!(f, "nothing: {why}"),
        }
    }
}
