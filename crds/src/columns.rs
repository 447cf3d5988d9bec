//! The columns of `kubectl get`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition as Column;
use xos_model::condition::{READY, SYNCED};
use xos_xproto::{ContentType, Field, FieldState, Model, ScalarType, Section};

/// Returns the columns of a model: its name and state, READY, REASON, STATUS, AGE, and with `-o wide` SYNCED, CODE and its
/// other fields.
///
/// STATUS is the message of the first condition: of Ready, which controllers keep there, or, before any of them has
/// looked at the object, of the one that the definition gives to new objects. So it is never empty.
pub(crate) fn of(model: &Model) -> Vec<Column> {
    let own = || model.fields.iter().filter(|f| !f.is_common());
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
    columns.extend(own().filter(|f| !is_name(f) && !is_state(f)).map(|f| field_column(f, 1)));
    let links = model.links_in(Section::Spec).filter(|l| !l.is_to_many());
    columns.extend(links.map(|l| column(&title(&l.name), "string", &format!(".spec.{}.name", l.camel_name()), 1)));
    columns.iter_mut().for_each(|own| with_title_of_its_own(own, &framework));
    columns.splice(last..last, framework);
    columns
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
