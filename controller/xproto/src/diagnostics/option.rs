//! `X4..`: options of files, messages and fields.

use super::did_you_mean;
use crate::declare_diagnostics;
use crate::limits::MAX_NAMES;

declare_diagnostics! {
    /// An option of a file, a message or a field.
    pub enum OptionError;

    /// An option is given twice; the first one is used, as in XOS, which says nothing. It is only a warning, because
    /// the model means what it means in XOS. Remove the one that is not meant.
    ///
    /// ```proto
    /// required int32 size = 1 [default = 1, default = 2];
    /// ```
    X401 Warning Duplicate { name: String } => {
        message("option `{name}` is given twice; the first one is used");
        help("remove it");
    }
    /// `required` and `optional` say what `blank` and `null` are; another value has no effect. Remove it, or change the
    /// modifier.
    ///
    /// ```proto
    /// required int32 size = 1 [blank = True];
    /// ```
    X402 XosRule ModifierWins { name: String, value: String, modifier: &'static str } => {
        message("`{name} = {value}` has no effect: `{modifier}` says otherwise");
        help("remove it, or change the modifier");
    }
    /// `feedback_state = False` is read as false. XOS 4.0.4 sets the state whatever the value is, and says nothing. It
    /// is only a warning, because nobody writes `False` and means true. Remove the option.
    ///
    /// ```proto
    /// required int32 size = 1 [feedback_state = False];
    /// ```
    X403 Warning FalseState { name: String } => {
        message("`{name} = False` is read as false, but XOS 4.0.4 reads it as true");
        help("remove it");
    }
    /// An option cannot have this value. Write one that it can have.
    ///
    /// ```proto
    /// required string name = 1 [max_length = long];
    /// ```
    X404 Error InvalidValue { name: String, value: String, expected: &'static str, suggestion: Option<String> } => {
        message("option `{name}` cannot be `{}`: expected {expected}", shown(.value));
        suggest(did_you_mean(suggestion));
    }
    /// The default is not a value of the field's type. Write one that is, or change the type.
    ///
    /// ```proto
    /// required int32 size = 1 [default = "big"];
    /// ```
    X405 Error DefaultMismatch { field: String, value: String, expected: &'static str } => {
        message("field `{field}` cannot have the default `{}`: expected {expected}", shown(.value));
        suggest((value == "now()").then(|| r#"only a date can be `now()`: add `content_type = "date"`"#.to_owned()));
    }
    /// The default is longer than `max_length` allows. Shorten it, or raise the limit.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 3, default = "long"];
    /// ```
    X406 Error DefaultTooLong { field: String, length: usize, max: u32 } => {
        message("the default of `{field}` has {length} characters, more than its `max_length` of {max}");
        help("shorten it, or raise `max_length`");
    }
    /// The default is less than `min_value` or more than `max_value`. Change the default or the limit.
    ///
    /// ```proto
    /// required int32 size = 1 [max_value = 9, default = 10];
    /// ```
    X407 Error DefaultOutOfRange { field: String, value: String } => {
        message("the default {value} of `{field}` is not within its `min_value` and `max_value`");
    }
    /// A required field has the default `None`, and then no value at all. Remove the default, or make the field
    /// optional.
    ///
    /// ```proto
    /// required int32 size = 1 [default = None];
    /// ```
    X408 Warning NullDefaultOnRequired { field: String } => {
        message("required field `{field}` has the default `None`, which it cannot have as a value");
        help("remove the default, or make the field optional");
    }
    /// A field is feedback or bookkeeping, not both. Keep `feedback_state` for what a synchronizer reports,
    /// `bookkeeping_state` for the framework's own.
    ///
    /// ```proto
    /// required int32 size = 1 [feedback_state = True, bookkeeping_state = True];
    /// ```
    X409 Error ConflictingStates { field: String } => {
        message("field `{field}` has both `feedback_state` and `bookkeeping_state`");
        help("keep `feedback_state` for what a synchronizer reports, `bookkeeping_state` for the framework's own");
    }
    /// A limit or content type does not apply to fields of this type. Remove it.
    ///
    /// ```proto
    /// required int32 size = 1 [max_length = 9];
    /// ```
    X410 XosRule DoesNotApply { name: String, field: String, ty: &'static str } => {
        message("option `{name}` does not apply to `{field}`, which is of type `{ty}`");
        help("remove it");
    }
    /// `min_value` is greater than `max_value`, so that no value is valid. Swap them.
    ///
    /// ```proto
    /// required int32 size = 1 [min_value = 9, max_value = 1];
    /// ```
    X411 Error EmptyRange { field: String } => {
        message("field `{field}` can have no value: its `min_value` is greater than its `max_value`");
    }
    /// A file option is written below a message. Here it holds for the whole file; in XOS 4.0.4 only for the messages
    /// below it. Write it above the first message.
    ///
    /// ```proto
    /// message Site {}
    /// option name = "example";
    /// ```
    X412 Warning FileOptionBelow { name: String } => {
        message("option `{name}` holds for the whole file, but XOS 4.0.4 does not apply it to the messages above it");
        help("write it above the first message");
    }
    /// The name of an option is almost that of another one, and means nothing itself. XOS ignores it silently. Write
    /// what is meant.
    ///
    /// ```proto
    /// required string name = 1 [text = True, max_lenght = 9];
    /// ```
    X419 XosRule MisspeltOption { name: String, suggestion: String } => {
        message("unknown option `{name}`");
        suggest(did_you_mean(suggestion));
    }
    /// An option of a field or link means nothing to XOS. It is kept for other programs. Remove it if it has no use.
    ///
    /// ```proto
    /// required int32 size = 1 [unit = "kg"];
    /// ```
    X420 XosRule UnlistedOption { name: String } => {
        message("option `{name}` means nothing on a field or link");
        help("remove it");
    }
    /// XOS only looks whether this option is there: `False` too drops the fields that report to the operator. Remove
    /// it.
    ///
    /// ```proto
    /// message Site { option no_sync = False; }
    /// ```
    X421 Warning PresenceCounts { name: String, value: String } => {
        message("`{name}` counts as set whatever its value is, also `{value}`");
        help("remove it, unless it is meant");
    }
    /// XOS 4.0.4 reads all files as one text, so that a file option of an earlier file holds in this one too, for every
    /// message that does not set it. Here it holds for its own file only. Set the option in this file, or in its
    /// messages, to what is meant.
    ///
    /// ```proto
    /// // In a.xproto:
    /// option app_label = "a";
    /// option name = "a";
    /// message A {}
    /// // In b.xproto:
    /// option app_label = "b";
    /// message B {}
    /// ```
    X422 Warning LeakingFileOption { name: String, message: String } => {
        message("in XOS 4.0.4 the option `{name}` of another file would hold for `{message}` too");
        help("set `{name}` in this file too");
    }
    /// `unique_with` and `tosca_key_one_of` name fields or links of the same model. Correct the name.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9, unique_with = "colour"];
    /// ```
    X423 Error UnknownSibling {
        option: &'static str, field: String, name: String, model: String, suggestion: Option<String>
    } => {
        message("`{option}` of `{field}` names `{name}`, which `{model}` does not have");
        suggest(did_you_mean(suggestion));
    }
    /// XOS itself uses the name `modifier` for `required` and `optional`; as an option it has no effect. Remove it.
    ///
    /// ```proto
    /// required int32 size = 1 [modifier = required];
    /// ```
    X424 Warning Modifier => {
        message("option `modifier` has no effect");
        help("remove it");
    }
    /// A list of names such as `unique_with` is longer than is read. Name fewer fields and links.
    X428 Error TooManyNames { option: &'static str, field: String, left_out: usize } => {
        message("`{option}` of `{field}` has more than {MAX_NAMES} names; the last {left_out} of them are not read");
        help("name fewer");
    }
    /// With a `max_length` of 0, a field can hold only the empty text. Raise it, or remove it.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 0];
    /// ```
    X429 XosRule ZeroLength { field: String } => {
        message("`{field}` can hold no text: its `max_length` is 0");
        help("raise it, or remove it");
    }
    /// The default of a string is written as a number. It is read as the text, as in XOS. Put it in quotes.
    ///
    /// ```proto
    /// required string size = 1 [max_length = 9, default = 1];
    /// ```
    X430 Warning NumberAsText { field: String, value: String } => {
        message("the default of the string `{field}` is written as a number");
        help("write `default = \"{value}\"`");
    }
    /// Option `pattern`, our own addition, is a regular expression that the API server can compile: RE2's syntax,
    /// without look-around and back-references. Correct it.
    ///
    /// ```proto
    /// required string vlan = 1 [max_length = 9, pattern = "[0-9"];
    /// ```
    X431 Error InvalidPattern { why: String } => {
        message("this `pattern` is no regular expression: {why}");
        help("write one in the syntax of RE2, such as `^[0-9]{{3}}$`; it has neither look-around nor back-references");
    }
    /// `min_length` is greater than `max_length`, so that no text is valid. Swap them.
    ///
    /// ```proto
    /// required string name = 1 [min_length = 9, max_length = 1];
    /// ```
    X432 Error EmptyLengths { field: String } => {
        message("field `{field}` can have no value: its `min_length` is greater than its `max_length`");
    }
    /// The default is shorter than `min_length` allows, or does not match `pattern`. Change one of them.
    ///
    /// ```proto
    /// required string vlan = 1 [max_length = 9, min_length = 3, default = "1"];
    /// ```
    X433 Error DefaultRefused { field: String, value: String, option: &'static str } => {
        message("the default `{}` of `{field}` does not satisfy its `{option}`", shown(.value));
        help("change the default, or the `{option}`");
    }
    /// `columns` names the fields, links and properties of the model that `kubectl get -o wide` shows, in this order.
    /// Correct the name.
    ///
    /// ```proto
    /// message Site (XOSBase) { option columns = "nmae"; required string name = 1 [max_length = 9]; }
    /// ```
    X434 Error UnknownColumn { name: String, model: String, suggestion: Option<String> } => {
        message("`columns` names `{}`, which `{model}` does not have", shown(.name));
        suggest(did_you_mean(suggestion));
    }
    /// A field that is `secret`, our own addition, is part of the natural key, which gives objects their names, or has
    /// `choices`, which everybody can read, or is among the `columns`, which `kubectl get` shows. Remove one of the two.
    ///
    /// ```proto
    /// required string token = 1 [max_length = 9, secret = True, tosca_key = True];
    /// ```
    X435 Error ShownSecret { field: String, option: &'static str } => {
        message("`{field}` is `secret`, but `{option}` tells its value");
        help("remove `secret`, or the field from what tells it");
    }
    /// Option `uses` of a file, our own addition, names models of XOS's core that the service uses beside those that its
    /// files name; `core` stands for all of them. Correct the name.
    ///
    /// ```proto
    /// option uses = "Slise";
    /// message Site (XOSBase) {}
    /// ```
    X436 Error UnknownUse { name: String, suggestion: Option<String> } => {
        message("`uses` names `{}`, which is no model of the core", shown(.name));
        suggest(did_you_mean(suggestion));
        help("name models of XOS's core with commas between them, or `core` for all");
    }
}

/// Returns a value as a message shows it: on one line and not too long.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 40;
    let cut = if value.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let start: String = value.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    format!("{start}{cut}")
}
