//! The columns of `kubectl get`.

use std::collections::HashSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition as Column;
use xos_model::condition::{READY, SYNCED};
use xos_xproto::{ContentType, Field, FieldState, Member, Model, Property, ScalarType, Section, ValueType};

/// Returns the columns of a model: its name and state, READY, REASON, STATUS, AGE, and with `-o wide` SYNCED, CODE and what
/// the model's author chose: option `columns`, which may name properties, else the fields and links that the model declares itself. No secret is
/// among them.
///
/// STATUS is the message of the first condition: of Ready, which controllers keep there, or, before any of them has
/// looked at the object, of the one that the definition gives to new objects. So it is never empty.
pub(crate) fn of(model: &Model) -> Vec<Column> {
    let own = || model.fields.iter().filter(|f| !f.is_common() && !f.secret);
    let mut columns: Vec<_> = own().filter(|f| is_name(f)).map(|f| field_column(f, 0)).collect();
    columns.extend(own().filter(|f| is_state(f)).map(|f| field_column(f, 0)));
    let framework = [
        condition("Ready", READY, "status", 0),
        condition("Reason", READY, "reason", 0),
        column("Status", "string", ".status.conditions[0].message", 0),
        column("Age", "date", ".metadata.creationTimestamp", 0),
        condition("Synced", SYNCED, "status", 1),
        column("Code", "integer", ".status.backendCode", 1),
    ];
    let last = columns.len();
    columns.extend(wide(model));
    columns.iter_mut().for_each(|own| with_title_of_its_own(own, &framework));
    columns.splice(last..last, framework);
    columns
}

/// Returns the columns that only `-o wide` shows.
fn wide(model: &Model) -> Vec<Column> {
    let is_shown_or_secret = |member: &Member| match member {
        Member::Field(field) => field.secret || !field.is_common() && (is_name(field) || is_state(field)),
        Member::Link(_) => false,
    };
    if let Some(chosen) = &model.columns {
        let mut seen = HashSet::new();
        let chosen = chosen.iter().filter(|name| seen.insert(name.as_str()));
        let column = |name: &String| match model.member(name) {
            Some(member) => (!is_shown_or_secret(member)).then(|| member_column(member)),
            None => model.property(name).map(property_column),
        };
        return chosen.filter_map(column).collect();
    }
    let own = || model.members().filter(|member| member.declared_in() == model.name && !is_shown_or_secret(member));
    let fields = own().filter(|member| matches!(member, Member::Field(_)));
    let is_to_one = |member: &&Member| matches!(member, Member::Link(link) if !link.is_to_many());
    let links = own().filter(|member| member.section() == Section::Spec).filter(is_to_one);
    fields.chain(links).map(member_column).collect()
}

/// Gives the column of a model's field another title than the framework's columns have, `XOS Status` beside `Status`:
/// nobody could tell two of one title apart.
fn with_title_of_its_own(own: &mut Column, framework: &[Column]) {
    if framework.iter().any(|other| other.name.eq_ignore_ascii_case(&own.name)) {
        own.name.insert_str(0, "XOS ");
    }
}

fn is_name(field: &Field) -> bool {
    field.name == "name" && field.section() == Section::Spec
}

/// Returns whether a field tells the state of an object, which people look for first.
fn is_state(field: &Field) -> bool {
    let is_named_so = ["status", "state"]
        .iter()
        .any(|word| field.name.strip_suffix(word).is_some_and(|before| before.is_empty() || before.ends_with('_')));
    is_named_so || field.state == FieldState::Feedback && field.choices.is_some()
}

fn member_column(member: &Member) -> Column {
    match member {
        Member::Field(field) => field_column(field, 1),
        Member::Link(link) => {
            let path = format!(".{}.{}", link.section().as_str(), link.camel_name());
            // Of a list kubectl would show the first name only.
            let path = if link.is_to_many() { path } else { format!("{path}.name") };
            column(&title(&link.name), "string", &path, 1)
        }
    }
}

fn property_column(property: &Property) -> Column {
    let path = format!(".status.properties.{}", property.camel_name());
    let (type_, path) = match &property.ty {
        ValueType::Bool => ("boolean", path),
        ValueType::Int => ("integer", path),
        ValueType::Double => ("number", path),
        ValueType::Timestamp => ("date", path),
        ValueType::Object(_) => ("string", format!("{path}.name")),
        ValueType::Text | ValueType::Duration | ValueType::Any | ValueType::List(_) | ValueType::Map(_) => {
            ("string", path)
        }
    };
    column(&title(&property.name), type_, &path, 1)
}

fn field_column(field: &Field, priority: i32) -> Column {
    let type_ = match (field.ty, field.content_type) {
        (ScalarType::String, Some(ContentType::Date)) => "date",
        (ScalarType::String | ScalarType::Bytes, _) => "string",
        (ScalarType::Bool, _) => "boolean",
        (ScalarType::Int32 | ScalarType::Uint32, _) => "integer",
        (ScalarType::Float | ScalarType::Double, _) => "number",
    };
    let path = format!(".{}.{}", field.section().as_str(), field.camel_name());
    column(&title(&field.name), type_, &path, priority)
}

/// Returns the title of a column: `First Name` for `first_name`; kubectl prints it in capitals. `name` would collide
/// with kubectl's own NAME.
fn title(field: &str) -> String {
    if field == "name" {
        return "XOS Name".to_owned();
    }
    let words = field.split('_').filter(|word| !word.is_empty());
    let capitals: Vec<_> = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    capitals.join(" ")
}

fn condition(name: &str, kind: &str, part: &str, priority: i32) -> Column {
    column(name, "string", &format!(".status.conditions[?(@.type==\"{kind}\")].{part}"), priority)
}

fn column(name: &str, type_: &str, path: &str, priority: i32) -> Column {
    Column {
        name: name.to_owned(),
        type_: type_.to_owned(),
        json_path: path.to_owned(),
        priority: (priority != 0).then_some(priority),
        ..Column::default()
    }
}
