//! `X3..`: fields.

use super::{did_you_mean, free_number};
use crate::declare_diagnostics;

declare_diagnostics! {
    /// A field: its name, its number or its type.
    pub enum FieldError;

    /// A field has a word of the language as its name; XOS's grammar rejects that. Rename the field.
    ///
    /// ```proto
    /// required string option = 1 [max_length = 9];
    /// ```
    X301 Error ReservedName { name: String } => {
        message("`{name}` is a word of the language and cannot name a field");
        help("rename it, for example to `{name}_value`");
    }
    /// The number of a field is not between 1 and 99; the numbers from 100 on are for models that inherit the field.
    /// Use a number from 1 to 99.
    ///
    /// ```proto
    /// required int32 size = 100;
    /// ```
    X302 Error NumberOutOfRange { name: String, number: String } => {
        message("field `{name}` has the number {number}, which is not between 1 and 99");
        help("use a number from 1 to 99");
    }
    /// Two fields of a message have the same number. Give the second one a free number.
    ///
    /// ```proto
    /// required int32 size = 1;
    /// required int32 weight = 1;
    /// ```
    X303 Error DuplicateNumber { name: String, other: String, number: u32, free: Option<u32> } => {
        message("field `{name}` has the number {number} of field `{other}`");
        suggest(free_number(*free));
    }
    /// Two fields of a message have the same name. Remove or rename one.
    ///
    /// ```proto
    /// required int32 size = 1;
    /// required int32 size = 2;
    /// ```
    X304 Error DuplicateField { name: String, model: String } => {
        message("field `{name}` is declared twice in `{model}`");
        help("rename it");
    }
    /// A field has the name of an inherited one. Remove it, because the model has it already, or rename it.
    ///
    /// ```proto
    /// required string backend_status = 1 [max_length = 9];
    /// ```
    X305 Error InheritedField { name: String, model: String, base: String } => {
        message("field `{name}` of `{model}` is inherited from `{base}` already");
        help("remove it, or rename it");
    }
    /// Two fields of a model have the same name in lowerCamelCase, which custom resources use. Rename one.
    ///
    /// ```proto
    /// required int32 max_size = 1;
    /// required int32 maxSize = 2;
    /// ```
    X306 Error SameCamelCase { name: String, other: String, model: String, camel: String } => {
        message("fields `{name}` and `{other}` of `{model}` are both `{camel}` in a custom resource");
        help("rename it");
    }
    /// The language does not have the type of a field. Use one of int32, uint32, string, bool, float, double and bytes.
    ///
    /// ```proto
    /// required int64 size = 1;
    /// ```
    X307 Error UnknownType { name: String, ty: String, suggestion: Option<String> } => {
        message("field `{name}` has the unknown type `{ty}`");
        suggest(did_you_mean(suggestion));
        help("the types are int32, uint32, string, bool, float, double and bytes");
    }
    /// A string has no limit. XOS wants `max_length`, `text = True` or a `content_type`. Add one of them.
    ///
    /// ```proto
    /// required string name = 1;
    /// ```
    X308 XosRule UnboundedString { name: String } => {
        message("string field `{name}` has no `max_length`");
        help("add `max_length = …`, or `text = True` for a long text, or a `content_type`");
    }
    /// Every object has something of this name already, in XOS or in its custom resource. Rename the field.
    ///
    /// ```proto
    /// required int32 id = 1;
    /// ```
    X309 Error NameTaken { name: String, taken: &'static str } => {
        message("`{name}` cannot name a field: {taken}");
        help("rename it");
    }
    /// Two bases of a model have fields of the same name. Keep one base, or rename a field.
    ///
    /// ```proto
    /// message A { required int32 size = 1; }
    /// message B { required int32 size = 1; }
    /// message C (A, B) {}
    /// ```
    X310 Error InheritedTwice { name: String, model: String, first: String, second: String } => {
        message("model `{model}` inherits field `{name}` from both `{first}` and `{second}`");
        help("remove one of the bases, or rename one of the fields");
    }
    /// The grammar of XOS has `double` and `bytes`, but XOS 4.0.4 cannot store them: its own rules know no such type,
    /// and it makes no database table for a model with one. Use `float`, or a `string`.
    ///
    /// ```proto
    /// required double size = 1;
    /// ```
    X311 XosRule NotStored { name: String, ty: &'static str } => {
        message("XOS cannot store fields of type `{ty}` such as `{name}`");
        help("use {}, unless XOS itself never loads the model", stored_instead(ty));
    }
    /// The type of a field is a model. A field that leads to an object is a link: write its kind, the model as its peer,
    /// and the port that the peer gets, or `+` for none.
    ///
    /// ```proto
    /// message Site (XOSBase) {}
    /// message Port (XOSBase) { required Site site = 1; }
    /// ```
    X312 Error ModelAsType { name: String, ty: String, instead: String } => {
        message("field `{name}` has the model `{ty}` as its type");
        help("write a link: `{instead};`");
    }
}

fn stored_instead(ty: &str) -> &'static str {
    if ty == "double" { "`float`" } else { "a `string` with `text = True`" }
}
