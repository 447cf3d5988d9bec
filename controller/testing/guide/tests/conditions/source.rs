//! What the controller's source writes into conditions and Kubernetes Events, found by a search of its text.
//!
//! A reason is a CamelCase word in quotes, or a constant of one,
//!
//! - after `reason:`, in any crate;
//! - as a constant in the file of the reasons of models and documents in the cluster;
//! - in the files of `xos-model` that make conditions or refusals, also elsewhere, unless something is compared with it.
//!
//! The reason of an Event is the first argument of `Event::normal` or `Event::warning`. Where that is no word but the
//! reason of a wait, of a refusal or of an attempt, the Event may have every reason of these.
//!
//! Comments and tests do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const FOLDERS: [&str; 9] = [
    "controller/src",
    "controller/kinds/src",
    "controller/model/src",
    "controller/engine/src",
    "controller/bus/src",
    "controller/steps/src",
    "controller/runtime/src",
    "controller/grpc/src",
    "crds/src",
];

/// Where conditions and refusals are made.
const MODEL: &str = "controller/model/src/";
/// Where the types of conditions are.
const TYPES: &str = "controller/model/src/condition.rs";
/// Where the reasons of models and documents in the cluster are.
const OF_OBJECTS: &str = "controller/kinds/src/reasons.rs";
/// The function that gives attempts their reasons.
const OF_ATTEMPTS: &str = "fn reason(finished: &Finished)";
/// What makes an Event, and of which type.
const EVENTS: [(&str, &str); 2] = [("Event::normal(", "Normal"), ("Event::warning(", "Warning")];
/// The ways in which an Event gets a reason that is no word: of an attempt, of a refusal, of a wait.
const PASSED_ON: [&str; 3] = ["reason", "refusal.reason", "wait.reason"];

pub(crate) type Words = BTreeSet<String>;

/// The source: the code of each file on one line, by its name, and the constants that are CamelCase words.
pub(crate) struct Source {
    files: BTreeMap<String, String>,
    constants: BTreeMap<String, String>,
}

impl Source {
    /// Reads the source of the controller.
    pub(crate) fn read(root: &Path) -> Self {
        let mut texts = BTreeMap::new();
        for folder in FOLDERS {
            read(root, folder, &mut texts);
        }
        Self::of(texts)
    }

    fn of(texts: BTreeMap<String, String>) -> Self {
        let files: BTreeMap<_, _> = texts.into_iter().map(|(name, text)| (name, code(&text))).collect();
        let constants = files.values().flat_map(|code| constants(code)).collect();
        Self { files, constants }
    }

    /// Returns the types of conditions.
    pub(crate) fn conditions(&self) -> Words {
        constants(&self.files[TYPES]).map(|(_, word)| word).collect()
    }

    /// Returns the reasons of conditions.
    pub(crate) fn reasons(&self) -> Words {
        let mut reasons = self.all_after("reason: ");
        // As JSON.
        reasons.extend(self.all_after("\"reason\": "));
        reasons.extend(self.files.get(OF_OBJECTS).into_iter().flat_map(|code| constants(code)).map(|(_, word)| word));
        for code in self.of_model(&["News {", "Refusal {", "fn reason("]) {
            reasons.extend(uncompared(code));
        }
        reasons
    }

    /// Returns the reasons of Events.
    pub(crate) fn events(&self) -> Words {
        let mut reasons: Words = self.made_events().into_keys().collect();
        let others = EVENTS.iter().flat_map(|(make, _)| self.after(make)).filter(|rest| self.word(rest).is_none());
        let passed_on: BTreeSet<_> = others.map(|rest| rest.split(',').next().unwrap_or_default().trim()).collect();
        assert_eq!(passed_on, PASSED_ON.into(), "an Event gets its reason in a new way: let this search know it");
        reasons.extend(self.all_after("Wait { reason: "));
        // Those that are not made in the model.
        reasons.extend(self.all_after("Refusal { reason: "));
        for code in self.of_model(&["Refusal {"]) {
            reasons.extend(uncompared(code));
        }
        reasons.extend(self.of_attempts());
        reasons
    }

    /// Returns the type of each Event that is made of a word.
    pub(crate) fn made_events(&self) -> BTreeMap<String, &'static str> {
        let made =
            EVENTS.iter().flat_map(|(make, kind)| self.all_after(make).into_iter().map(move |word| (word, *kind)));
        made.collect()
    }

    /// Returns the reasons of attempts.
    fn of_attempts(&self) -> Words {
        let function = self.after(OF_ATTEMPTS).next().expect("the function that gives attempts their reasons");
        let body = function.split(" fn ").next().unwrap_or_default();
        let named = body.split(|c: char| !is_of_name(c)).filter_map(|name| self.constants.get(name).cloned());
        named.chain(uncompared(body)).collect()
    }

    /// Returns the code of the files of the model that have one of these texts.
    fn of_model<'a>(&'a self, texts: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let of_model = self.files.iter().filter(|(name, _)| name.starts_with(MODEL)).map(|(_, code)| code.as_str());
        of_model.filter(|code| texts.iter().any(|text| code.contains(text)))
    }

    /// Returns what follows a text, wherever it stands.
    fn after<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.values().flat_map(move |code| code.match_indices(text).map(|(at, found)| &code[at + found.len()..]))
    }

    /// Returns the words that follow a text.
    fn all_after(&self, text: &str) -> Words {
        self.after(text).filter_map(|rest| self.word(rest)).map(str::to_owned).collect()
    }

    /// Returns the CamelCase word, in quotes or as a constant, with which a text begins.
    fn word<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        let text = text.trim_start();
        if let Some(quoted) = text.strip_prefix('"') {
            return camel_case(quoted);
        }
        let path = text.split(|c: char| !is_of_name(c) && c != ':').next()?;
        self.constants.get(path.rsplit(':').next()?).map(String::as_str)
    }
}

/// Reads the files of a folder and of those in it, but for tests.
fn read(root: &Path, folder: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            if name != "tests" {
                read(root, &path, texts);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            texts.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Returns a file's code on one line, without comments and the tests at its end.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..end].lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join(" ")
}

/// Returns the constants that are CamelCase words.
fn constants(code: &str) -> impl Iterator<Item = (String, String)> {
    code.match_indices(": &str = \"").filter_map(|(at, found)| {
        let name = code[..at].rsplit(' ').next()?;
        Some((name.to_owned(), camel_case(&code[at + found.len()..])?.to_owned()))
    })
}

/// Returns the CamelCase words in quotes, but for those that something is compared with.
fn uncompared(code: &str) -> Words {
    let is_compared = |before: &str| {
        ["==", "!=", "starts_with(", "ends_with(", "contains("].iter().any(|sign| before.trim_end().ends_with(sign))
    };
    let all = code.match_indices('"').filter(|(at, _)| !is_compared(&code[..*at]));
    all.filter_map(|(at, quote)| camel_case(&code[at + quote.len()..])).map(str::to_owned).collect()
}

/// Returns the CamelCase word that a text begins with, if the next quote ends it.
fn camel_case(text: &str) -> Option<&str> {
    let (word, _) = text.split_once('"')?;
    let is_letters = word.chars().all(|c| c.is_ascii_alphanumeric());
    let is_camel_case = word.starts_with(|c: char| c.is_ascii_uppercase()) && word.contains(|c: char| c.is_lowercase());
    (is_letters && is_camel_case).then_some(word)
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn reasons_are_found_wherever_they_are_written() {
    let engine = r#"
        const AWAY: &str = "Away";
        // Event::normal("Comment", note)
        let event = Event::warning(
            "PullFailed", note).of("Pull");
        Event::normal(events::AWAY, note); Event::normal(reason, note);
        Event::normal(refusal.reason, note); Event::warning(wait.reason, note);
        Wait {
            reason: "Waiting", message };
        json!({"reason": "New"});
        #[cfg(test)]
        thread_local! {}
#[cfg(test)]
mod tests { Event::normal("Test", note); }"#;
    let conditions = r#"
        let news = News { reason: match outcome { _ if last.outcome == "Compared" => "Exhausted", _ => AWAY } };
        pub fn reason(finished: &Finished) -> &'static str {
            match finished { Failed => "SyncFailed", Unavailable => AWAY }
        }
        fn plan_text() { "Later" }"#;
    let refusal = r#"let (reason, message) = ("NoOwner", "is not given"); Refusal { reason, message }"#;
    let files = [
        (TYPES, r#"pub const READY: &str = "Ready"; const NAMES: [&str; 1] = ["Other"];"#),
        ("controller/model/src/record.rs", conditions),
        ("controller/model/src/accept.rs", refusal),
        ("controller/engine/src/a.rs", engine),
    ];
    let source = Source::of(files.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Words>();
    assert_eq!(source.conditions(), words(&["Ready"]));
    assert_eq!(source.reasons(), words(&["Exhausted", "Later", "New", "NoOwner", "SyncFailed", "Waiting"]));
    assert_eq!(source.events(), words(&["Away", "NoOwner", "PullFailed", "SyncFailed", "Waiting"]));
    let types = [("Away", "Normal"), ("PullFailed", "Warning")];
    assert_eq!(source.made_events(), types.map(|(reason, kind)| (reason.to_owned(), kind)).into());
}
