//! `X413` to `X418`: option `choices`.

use super::did_you_mean;
use super::option::shown;
use crate::declare_diagnostics;

declare_diagnostics! {
    /// The choices of a field.
    pub enum ChoiceError;

    /// Option `choices` is not a Python tuple of pairs of a value and a label. The last pair may be followed by a
    /// comma; a single pair needs one.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, choices = "(('vm', 'Virtual Machine'))"];
    /// ```
    X413 Error InvalidChoices { field: String, why: String, instead: Option<String> } => {
        message("the choices of `{field}` cannot be read: {why}");
        suggest(instead.as_ref().map(|instead| format!("write `choices = \"{instead}\"`")));
        help(r#"write them as `choices = "(('vm', 'Virtual Machine'), ('container', 'Container'))"`"#);
    }
    /// One of the choices is not a value of the field's type. Write values of that type, strings in quotes.
    ///
    /// ```proto
    /// required int32 size = 1 [choices = "(('1', 'Small'), ('2', 'Big'))"];
    /// ```
    X414 Error ChoiceMismatch {
        field: String, values: Vec<String>, expected: &'static str, instead: Option<String>
    } => {
        message("{} of `{field}`: expected {expected}", choices(.values));
        suggest(instead.clone());
    }
    /// A value is twice among the choices. Remove one of them.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, choices = "(('a', 'A'), ('a', 'B'))"];
    /// ```
    X415 Warning DuplicateChoice { field: String, values: Vec<String> } => {
        message("{} of `{field}`: each may be there once", choices(.values));
        help("remove it");
    }
    /// The default is none of the choices. Add it to the choices, or take one of them.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, default = "c", choices = "(('a', 'A'), ('b', 'B'))"];
    /// ```
    X416 Error DefaultNoChoice { field: String, value: String, suggestion: Option<String> } => {
        message("the default `{}` of `{field}` is none of its choices", shown(.value));
        suggest(did_you_mean(suggestion));
    }
    /// `None` is among the choices of a required field, which cannot be without a value. Remove it, or make the field
    /// optional.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, choices = "((None, 'Any'), ('b', 'B'))"];
    /// ```
    X417 Warning NullChoice { field: String } => {
        message("required field `{field}` has `None` among its choices");
        help("remove it, or make the field optional");
    }
    /// One of the choices is longer than `max_length` allows. Shorten it, or raise the limit.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 1, choices = "(('a', 'A'), ('bb', 'B'))"];
    /// ```
    X418 Error ChoiceTooLong { field: String, values: Vec<String>, max: u32 } => {
        message("{} of `{field}`: longer than its `max_length` of {max}", choices(.values));
        help("shorten it, or raise `max_length`");
    }
}

/// Returns some of the values, as a message shows them.
fn choices(values: &[String]) -> String {
    const MOST: usize = 5;
    let some: Vec<_> = values.iter().take(MOST).map(|value| format!("`{}`", shown(value))).collect();
    let noun = if values.len() == 1 { "the choice" } else { "the choices" };
    let more = if values.len() > MOST { " …" } else { "" };
    format!("{noun} {}{more}", some.join(", "))
}
