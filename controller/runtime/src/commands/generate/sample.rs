//! A sample object: its fields, and which of them are set.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_crds::SpecSchema;
use xos_model::index::Index;
use xos_model::{Fields, Object, accept};
use xos_xproto::{Field, Literal, Member, Model, ModelSet, Section, camel_case};

use super::values;

/// A sample object.
#[derive(Debug)]
pub(super) struct Sample {
    /// The fields and links of spec, the required ones first.
    pub(super) items: Vec<Item>,
    /// What a validator says all the same.
    pub(super) refused: Option<String>,
}

/// A field or a link.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The name in the custom resource.
    pub(super) key: String,
    name: String,
    pub(super) help: String,
    pub(super) required: bool,
    /// Whether it has a value in the sample.
    pub(super) is_set: bool,
    /// Other values that it could have, too.
    others: Vec<Value>,
    pub(super) value: Value,
}

impl Item {
    fn of(models: &ModelSet, schema: &SpecSchema, model: &Model, member: &Member) -> Self {
        let (help, mut all, facts, required) = match member {
            Member::Field(field) => {
                let all = values::of_field(schema, model, field);
                (&field.help_text, all, values::facts(field), is_required(field))
            }
            Member::Link(link) => {
                let value = values::of_link(models, model, link);
                (&link.help_text, vec![value], String::new(), model.must_have(link))
            }
        };
        let value = if all.is_empty() { Value::Null } else { all.remove(0) };
        let help = help.as_deref().map(sentence).unwrap_or_default();
        let help = format!("{help} {facts}").trim().to_owned();
        let (key, name) = (member.camel_name(), member.name().to_owned());
        Self { key, name, help, required, is_set: required, others: all, value }
    }

    /// Returns what stands in place of the value of a secret field.
    fn source(field: &Field, name: String) -> Self {
        let value = json!({"secretKeyRef": {"name": "my-secret", "key": field.camel_name()}});
        let help = format!("In place of {}: a key of a Secret.", field.camel_name());
        Self { key: camel_case(&name), name, help, required: false, is_set: false, others: vec![], value }
    }
}

fn is_required(field: &Field) -> bool {
    field.required && matches!(field.default, None | Some(Literal::Null))
}

/// Returns a text of help with a full stop.
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() || text.ends_with(['.', '!', '?', ':', ')']) { text } else { format!("{text}.") }
}

impl Sample {
    /// Makes a sample of a model that the schema and the validators accept, with the optional fields, or without.
    pub(super) fn of(models: &ModelSet, model: &Model, all: bool) -> Self {
        let schema = SpecSchema::of(models, model);
        let is_shown = |member: &&Member| !matches!(member, Member::Field(field) if field.is_common());
        let members = model.members_in(Section::Spec).filter(is_shown);
        let mut items: Vec<_> = members.map(|member| Item::of(models, &schema, model, member)).collect();
        for item in &mut items {
            item.is_set = !item.value.is_null() && (item.required || all);
        }
        items.extend(model.secret_sources().map(|(field, source)| Item::source(field, source)));
        items.sort_by_key(|item| !item.required);
        let mut sample = Self { items, refused: None };
        // Models without validators need no index.
        if !model.validators.is_empty()
            && let Ok(index) = Index::new(Arc::new(models.clone()), &[])
        {
            sample.mend(&index, model);
        }
        sample
    }

    /// Returns the fields that are set.
    pub(super) fn fields(&self) -> Fields {
        let set = self.items.iter().filter(|item| item.is_set);
        set.map(|item| (item.name.clone(), item.value.clone())).collect()
    }

    fn refusal(&self, index: &Index, model: &Model) -> Option<String> {
        let mut object = Object::named(&model.name, "default", &values::object_name(&model.name));
        object.fields = self.fields();
        accept::invalid(index, model, &object).map(|refusal| refusal.message)
    }

    /// Changes one or two fields until all validators are content, if that is possible.
    fn mend(&mut self, index: &Index, model: &Model) {
        let Some(refused) = self.refusal(index, model) else { return };
        let before = self.items.clone();
        let mut half_way = vec![];
        for (at, item) in before.iter().enumerate() {
            for other in variants(item) {
                self.items[at] = other;
                match self.refusal(index, model) {
                    None => return,
                    Some(other) if other != refused => half_way.push(self.items.clone()),
                    Some(_) => {}
                }
            }
            self.items[at] = item.clone();
        }
        // Another validator may be next.
        for items in half_way {
            for at in 0..items.len() {
                for other in variants(&items[at]) {
                    self.items.clone_from(&items);
                    self.items[at] = other;
                    if self.refusal(index, model).is_none() {
                        return;
                    }
                }
            }
        }
        self.items = before;
        self.refused = Some(refused);
    }
}

/// Returns other forms of a field: with other values, set, or left out.
fn variants(item: &Item) -> Vec<Item> {
    let with = |value: &Value| Item { value: value.clone(), is_set: true, ..item.clone() };
    let mut all: Vec<_> = item.others.iter().map(with).collect();
    if !item.required && !item.value.is_null() {
        all.insert(0, Item { is_set: !item.is_set, ..item.clone() });
    }
    all
}
