//! Fields that are marked `secret`: their values are kept out of all that people and other programs read.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use xos_xproto::Model;

use crate::fields::Fields;
use crate::object::Object;

/// What stands where a secret's value would be.
pub const HIDDEN: &str = "***";

/// Shorter values are not looked for in texts: they would hide parts of words that have nothing to do with them.
const SHORTEST: usize = 4;

/// The values of an object's secret fields, to be kept out of texts that somebody else has written, such as errors of
/// steps.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Returns those of an object, or of some of its fields.
    pub fn of(model: &Model, fields: &Fields) -> Self {
        let mut all = Self::default();
        all.add(model, fields);
        all
    }

    /// Adds those of another state of the object.
    pub fn add(&mut self, model: &Model, fields: &Fields) {
        let secret = model.fields.iter().filter(|field| field.secret);
        let texts = secret.filter_map(|field| match fields.get(&field.name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            value => Some(value.to_string()),
        });
        texts.for_each(|text| self.add_text(&text));
    }

    /// Adds a value that is secret wherever it comes from.
    pub fn add_text(&mut self, text: &str) {
        if text.chars().count() < SHORTEST {
            return;
        }
        // Also as an error shows a text in quotes.
        self.0.extend([text.escape_debug().to_string(), text.to_owned()]);
        // What has another one in it goes first.
        self.0.sort_by_key(|text| std::cmp::Reverse(text.len()));
        self.0.dedup();
    }

    /// Returns a text without the values.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.0.iter().filter(|secret| text.contains(secret.as_str()));
        found.fold(Cow::Borrowed(text), |text, secret| Cow::Owned(text.replace(secret.as_str(), HIDDEN)))
    }
}

/// Where the value of a secret field comes from: a key of a Secret in the object's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// The field.
    pub field: String,
    /// The name of the Secret.
    pub name: String,
    /// The key.
    pub key: String,
}

/// Returns from where the values of an object's secret fields come, of those that come from Secrets.
pub fn secret_keys(model: &Model, fields: &Fields) -> Vec<SecretKey> {
    let of = |(field, source): (&xos_xproto::Field, String)| {
        let reference = fields.get(&source)?.get("secretKeyRef")?;
        let text = |name: &str| reference.get(name)?.as_str().map(str::to_owned);
        Some(SecretKey { field: field.name.clone(), name: text("name")?, key: text("key")? })
    };
    model.secret_sources().filter_map(of).collect()
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Shows an object in a log: which of its texts are secret is not known there, so none is shown.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("model", &self.model)
            .field("meta", &self.meta)
            .field("fields", &Hidden(&self.fields))
            .field("intent", &self.intent)
            .field("quiet_saves", &self.quiet_saves)
            .field("status", &self.status)
            .finish()
    }
}

struct Hidden<'f>(&'f Fields);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Value| match value {
            Value::String(_) => HIDDEN.to_owned(),
            value => value.to_string(),
        };
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, shown(value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use xos_xproto::{Sources, compile};

    #[test]
    fn texts_are_without_the_values() {
        let mut sources = Sources::new();
        let text =
            "option app_label = \"m\"; message M (XOSBase) { required string pin = 1 [max_length = 9, secret = True];
            optional string key = 2 [text = True, secret = True]; required string name = 3 [max_length = 9]; }";
        sources.add("m.xproto", text);
        let models = compile(&sources).models;
        let model = models.get("M").unwrap();
        let secrets = |fields: Value| Secrets::of(model, &serde_json::from_value(fields).unwrap());
        let both = secrets(json!({"pin": "1234", "key": "a 1234 \"b\"", "name": "public"}));
        assert_eq!(both.hide("a 1234 \"b\" and 1234 of public"), "*** and *** of public");
        assert_eq!(both.hide("login \"a 1234 \\\"b\\\"\" failed"), "login \"***\" failed");
        assert_eq!(secrets(json!({"pin": "ab"})).hide("about"), "about", "too short to be looked for");
        assert!(matches!(both.hide("nothing of them"), Cow::Borrowed(_)));
        assert_eq!(format!("{both:?}"), HIDDEN);
    }

    #[test]
    fn a_logged_object_shows_no_text() {
        let mut object = Object::named("M", "n", "a");
        object.set("key", json!("letmein"));
        object.set("size", json!(7));
        let shown = format!("{object:?}");
        assert!(!shown.contains("letmein") && shown.contains("***") && shown.contains('7'), "{shown}");
    }
}
