//! `X0..`: the text does not follow the grammar.

use crate::declare_diagnostics;
use crate::source::MAX_SOURCE_BYTES;

declare_diagnostics! {
    /// The text does not follow the grammar.
    pub enum Syntax;

    /// The file has bytes that are not UTF-8. Save it in that encoding.
    X001 Error InvalidUtf8 { places: usize } => {
        message("the file is not UTF-8: {}", invalid_bytes(*.places));
        help("save the file as UTF-8");
    }
    /// The file is larger than any model file should be, and is not read. Split it.
    X002 Error SourceTooLarge { bytes: usize } => {
        message("the file has {bytes} bytes, more than the {MAX_SOURCE_BYTES} that are read");
        help("split it into several files: all files together form one model set");
    }
    /// These characters have no meaning in the language. Remove them.
    ///
    /// ```proto
    /// required string straße = 1 [max_length = 9];
    /// ```
    X003 Error UnexpectedCharacters { text: String } => {
        message("unexpected {}", characters(.text));
    }
    /// A string has no closing quote on its line. Strings may not span lines. Close it with `"` on the same line.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9, help_text = "The name];
    /// ```
    X004 Error UnterminatedString => {
        message("this string has no closing quote on its line");
        help(r#"close it with `"` on the same line; write a quote inside it as `\"`"#);
    }
    /// A `/*` has no `*/`. Close it with `*/`.
    ///
    /// ```proto
    /// /* Sites
    /// message Site {}
    /// ```
    X005 Error UnterminatedComment => {
        message("this comment is not closed");
        help("close it with `*/`");
    }
    /// Strings are written in double quotes; XOS has no other kind. Replace the single quotes.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9, default = 'a'];
    /// ```
    X006 Error SingleQuotes => {
        message("strings are written in double quotes");
        help(r#"write `"…"`"#);
    }
    /// `#` does not begin a comment. Write `//` or `/* … */`.
    ///
    /// ```proto
    /// # Sites
    /// message Site {}
    /// ```
    X007 Error HashComment => {
        message("`#` does not begin a comment");
        help("begin a comment with `//`, or put it between `/*` and `*/`");
    }
    /// Numbers are written in decimal digits, with an optional sign and fraction. Correct it.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9k];
    /// ```
    X008 Error MalformedNumber => {
        message("this is not a number");
        help("write decimal digits, with an optional sign and an optional fraction");
    }
    /// The text of a policy, from its `<` on, has no closing `>`. Write `policy name < expression >`.
    ///
    /// ```proto
    /// policy p < obj.name = "a"
    /// message Site {}
    /// ```
    X009 Error UnterminatedPolicy => {
        message("this policy has no closing `>`");
        help("a policy is written `policy name < expression >`");
    }
    /// The grammar expects something else here. Write what is expected, or remove what is there.
    ///
    /// ```proto
    /// required string = 1 [max_length = 9];
    /// ```
    X010 Error Expected { expected: &'static str, found: String } => {
        message("expected {expected}, found {found}");
    }
    /// A message's `{` has no `}` before the file ends or the next message begins. Close it with `}`.
    ///
    /// ```proto
    /// message Site {
    /// message Port {}
    /// ```
    X011 Error UnclosedMessage { name: String } => {
        message("message `{name}` is not closed");
        help("close it with `}}`");
    }
    /// A `}` closes nothing. Remove it, or look for a missing `{` above.
    ///
    /// ```proto
    /// message Site {}
    /// }
    /// ```
    X012 Error UnmatchedBrace => {
        message("this `}}` closes nothing");
    }
    /// A `;` ends nothing; XOS rejects it. Remove it.
    ///
    /// ```proto
    /// required int32 size = 1;;
    /// ```
    X013 Error ExtraSemicolon => {
        message("this `;` ends nothing");
        help("remove it");
    }
    /// A list of options or bases ends in a comma; XOS rejects it. Remove it.
    ///
    /// ```proto
    /// required string name = 1 [max_length = 9,];
    /// ```
    X014 Error TrailingComma => {
        message("a list may not end in a comma");
        help("remove it");
    }
    /// Every field begins with `required` or `optional`. Write one of them before the type.
    ///
    /// ```proto
    /// string name = 1 [max_length = 9];
    /// ```
    X015 Error MissingModifier { name: String } => {
        message("field `{name}` has no modifier");
        help("begin the field with `required` or `optional`");
    }
    /// There are more diagnostics than are shown. Fix the first ones and compile again.
    X016 Error TooManyDiagnostics { left_out: usize } => {
        message("{left_out} more diagnostics are not shown");
        help("fix the first ones and compile again");
    }
    /// The value of an option is a string in double quotes, a number or one word. Write one of these.
    ///
    /// ```proto
    /// required string name = 1 [max_length = ];
    /// ```
    X017 Error MissingValue { option: String } => {
        message("option `{option}` has no value that can be read");
        help("write a string in double quotes, a number, or one word such as `True`");
    }
    /// A `{{` in a policy has no `}}`. Close it before the `>` that ends the policy.
    ///
    /// ```proto
    /// policy p < {{ obj.name >
    /// ```
    X018 Error UnterminatedPython => {
        message("this `{{{{` has no `}}}}`");
        help("close it with `}}}}` before the `>` that ends the policy");
    }
    /// The bases of a message are written in parentheses behind its name. Write them so.
    ///
    /// ```proto
    /// message Cafe : XOSBase {}
    /// ```
    X019 Error BasesWithoutParentheses { instead: String } => {
        message("the bases of a message are written in parentheses");
        help("write `{instead}`");
    }
    /// The text of a policy ends at its first `>` that is not part of `->`; the language has no comparison but `=` and
    /// `in`. For limits of numbers use `min_value` and `max_value` of the field. Or put Python between `{{` and `}}`
    /// without a `>`, which only XOS's own core can evaluate.
    ///
    /// ```proto
    /// policy p < obj.seats > 3 >
    /// message Table::p (XOSBase) { required int32 seats = 1; }
    /// ```
    X020 Error PolicyEndsEarly => {
        message("a policy ends at its first `>`, which is here");
        help("policies do not compare with `>` or `>=`; for a limit use option `min_value` or `max_value` of the field");
    }
    /// The value of an option is a list without quotes. A list such as that of `choices` is a string: put all of it in
    /// double quotes.
    ///
    /// ```proto
    /// required string kind = 1 [max_length = 9, choices = ["a", "b"]];
    /// ```
    X021 Error UnquotedList { option: String } => {
        message("the value of option `{option}` is a list without quotes");
        help("{}", instead_of_list(option));
    }
}

fn instead_of_list(option: &str) -> &'static str {
    match option {
        "choices" => {
            r#"write `choices = "(('a', 'A'), ('b', 'B'))"`: pairs of a value and a label, all in double quotes"#
        }
        "unique_with" | "tosca_key_one_of" => "write the names in double quotes, with commas between them",
        _ => "write a string in double quotes, a number, or one word such as `True`",
    }
}

fn invalid_bytes(places: usize) -> String {
    if places == 1 { "these bytes are no character".to_owned() } else { format!("{places} places, this is the first") }
}

fn characters(text: &str) -> String {
    let shown: String = text.chars().take(20).flat_map(char::escape_debug).collect();
    let noun = if text.chars().nth(1).is_none() { "character" } else { "characters" };
    format!("{noun} `{shown}`")
}
