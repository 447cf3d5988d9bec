//! What can be wrong with properties.

use xos_xproto::declare_diagnostics;
use xos_yaml::{Kind as ValueKind, did_you_mean};

declare_diagnostics! {
    /// A diagnostic of properties.
    pub enum Problem;

    /// A file of properties cannot be read. Correct its permissions.
    D030 Error Unreadable { reason: String } => {
        message("cannot read this file: {reason}");
    }
    /// A file in a folder `convenience` is none that can be used: convenience methods in Python do not run. Write their
    /// properties as expressions, in a file `*.yaml`.
    D031 Error NotYaml => {
        message("this is no file of properties: they are expressions, in files `*.yaml`");
        help("write what it returns as an expression: `MyModel: {{full_name: \"self.first_name + ' ' + self.last_name\"}}`");
    }
    /// A file of properties is not YAML, or has a key twice. Correct it where the message points.
    D032 Error InvalidYaml { message: String } => {
        message("{message}");
    }
    /// A file of properties has expressions by model and name, and nothing else.
    D033 Error WrongType { what: String, expected: &'static str, found: ValueKind } => {
        message("{what} should be {expected}, not {found}");
        help("write `MyModel: {{full_name: \"self.first_name + ' ' + self.last_name\"}}`");
    }
    /// A property is declared for a model that is not there.
    D034 Error UnknownModel { model: String, suggestion: Option<String> } => {
        message("there is no model `{model}`");
        suggest(did_you_mean(suggestion.as_deref()));
    }
    /// The name of a property has letters, digits and `_`, and begins with a letter; all letters are small ones.
    D035 Error BadName { name: String } => {
        message("`{name}` is no name of a property");
        help("use small letters, digits and `_`, with a letter first, as in `full_name`");
    }
    /// A property has the name of something else of the model, of one that inherits from it, or of another property.
    D036 Error NameTaken { name: String, taken: String } => {
        message("`{name}` has the name of {taken}");
        help("give it another name");
    }
    /// The expression of a property is wrong, or does not fit the models.
    D037 Error Expression { message: String, mend: Option<String> } => {
        message("{message}");
        suggest(mend.clone());
    }
    /// A property has a value that JSON and the definition of the model can have: a text, a number, true or false, a
    /// moment, a duration, an object (a link to it), or a list or map of these.
    D038 Error Unsuitable { of: String } => {
        message("a property cannot have a value of type {of}");
        suggest(mend(of));
    }
    /// A property takes the place of a base's, and its values have another type: expressions that use the base's would
    /// not work.
    D039 Error OtherType { of: String, base: String, wanted: String } => {
        message("this is of type {of}, and the property of {base} that it replaces is of type {wanted}");
        help("make them alike, or give it another name");
    }
    /// A property needs itself, of the same object, to be computed.
    D040 Error Circle { way: String } => {
        message("it needs itself: {way}");
    }
    /// A property is declared twice for a model.
    D041 Error Twice { model: String, name: String, first: String } => {
        message("`{name}` of {model} is declared already, in {first}");
        help("remove one of them");
    }
}

fn mend(of: &str) -> Option<String> {
    let mend = match of {
        "uint" => "write `int(…)` around it",
        "bytes" => "write `base64.encode(…)` around it",
        of if of.starts_with("optional") => "write `.orValue(…)` after it",
        _ => return None,
    };
    Some(mend.to_owned())
}

/// A problem of properties with its place.
pub type Diagnostic = xos_yaml::Diagnostic<Problem>;
