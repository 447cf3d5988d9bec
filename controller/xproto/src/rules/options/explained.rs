//! What each option means, in a sentence or two.

use super::{BOOLEANS, Place};

/// What is to be known of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownOption {
    pub(crate) is_boolean: bool,
    pub(crate) is_of_xos: bool,
    pub(crate) meaning: &'static str,
}

/// Our own additions to the language.
const OURS: [&str; 5] = ["columns", "immutable", "min_length", "pattern", "secret"];

/// Returns what an option means in a place; nothing if it means nothing there.
pub(crate) fn explained(name: &str, place: Place) -> Option<KnownOption> {
    let meaning = match place {
        Place::FieldOrLink => of_member(name),
        Place::Message => of_message(name),
    }?;
    let is_boolean = match place {
        Place::FieldOrLink => BOOLEANS.contains(&name),
        Place::Message => {
            ["abstract", "gui_hidden", "custom_python", "legacy", "no_sync", "no_policy"].contains(&name)
                || ["skip_django", "skip_init", "sync_implemented", "policy_implemented"].contains(&name)
        }
    };
    Some(KnownOption { is_boolean, is_of_xos: !OURS.contains(&name), meaning })
}

fn of_member(name: &str) -> Option<&'static str> {
    Some(match name {
        "auto_now_add" => "A date that is set when the object is created.",
        "blank" => "Has no effect: `required` and `optional` say it. Another value than theirs is a warning.",
        "bookkeeping_state" => "The framework's own memory: in `status`, and set by nobody else.",
        "choices" => "The values that the field can have, as pairs of value and label.",
        "content_type" => "What the text holds: see the content types.",
        "db_index" => "Kept for XOS's own core; here every query has an index.",
        "default" => {
            "The value of an object that is created without one: a constant, `None`, on a date `\"now()\"`. The name of \
             a Python function is kept, and has no effect."
        }
        "description" => "The same as `help_text`, which wins.",
        "feedback_state" => "What a synchronizer reports: in `status`, and not an operator's to set.",
        "gui_hidden" => "XOS's GUI does not show it.",
        "help_text" => "The description in `kubectl explain`; by default the comment above.",
        "immutable" => "The value cannot be changed after the object's creation.",
        "max_length" => "The most characters of the text.",
        "max_value" => "The greatest value.",
        "min_length" => "The fewest characters of the text, where there is one.",
        "min_value" => "The least value.",
        "modifier" => "Has no effect, and is a warning: write `required` or `optional` before the type.",
        "null" => "Has no effect: `required` and `optional` say it. Another value than theirs is a warning.",
        "on_delete" => "Kept for XOS's own core. Objects with a to-one link go with the object that it leads to.",
        "pattern" => "A regular expression (RE2) that has to match somewhere in the text.",
        "secret" => "Nothing that people or other programs read shows the value, which can come from a Secret.",
        "text" => "A long text, for XOS's GUI.",
        "tosca_key" => "A part of the natural key: no two objects of a namespace have the same key.",
        "tosca_key_one_of" => {
            "Other fields or links, with commas between them, of which one is in the natural key with this one."
        }
        "unique" => "No two objects of a namespace have the same value.",
        "unique_with" => "Other fields or links, with commas between them, that are unique together with this one.",
        "verbose_name" => "The name for people, in XOS's GUI.",
        _ => return None,
    })
}

fn of_message(name: &str) -> Option<&'static str> {
    Some(match name {
        "abstract" => "The model has no objects of its own, and no custom resource.",
        "app_label" => "The API group of the model: `olt` makes it `olt.xos.opencord.org`. By default `name`.",
        "columns" => "The columns of `kubectl get -o wide`: fields and links with commas between them, in this order.",
        "custom_header" => "Kept for XOS's own core: Python code of the model.",
        "custom_python" => "Kept for XOS's own core: the model has Python code, which may add fields.",
        "description" => "The description in `kubectl explain`; by default the comment above the message.",
        "gui_hidden" => "XOS's GUI does not show the model.",
        "kind" => "The kind of a service, as the original's documents have it; kept, without an effect.",
        "legacy" => "Kept for XOS's own core: the model is made in Python.",
        "name" => "The service that the model belongs to, and the `app_label` where there is none.",
        "no_policy" => "The model's API has no fields about policies. That it is there counts, whatever its value.",
        "no_sync" => {
            "The model's API has no fields about synchronization. That it is there counts, whatever its value."
        }
        "owner_class_name" => {
            "The model of the service that the objects belong to: the controller sets `owner` where it is left out. \
             Models that inherit from this one have it too."
        }
        "plural" => "The plural of the name, which in lower case is the resource's name; by default the English one.",
        "policy_implemented" => "Kept for XOS's own core: whether somebody wrote a policy.",
        "singular" => "The singular of the name, for XOS's GUI.",
        "skip_django" => "Kept for XOS's own core: no table is made.",
        "skip_init" => "Kept for XOS's own core: the model is not imported.",
        "sync_implemented" => "Kept for XOS's own core: whether somebody wrote a sync step.",
        "tosca_description" => "The description in XOS's TOSCA types.",
        "uses" => {
            "Models of XOS's core that are used beside those that the file names, with commas between them; `core` for all."
        }
        "validators" => "What must hold when an object is saved: `policy:message`, with commas between them.",
        "verbose_name" => "The name for people; by default the words of the message's name.",
        _ => return None,
    })
}
