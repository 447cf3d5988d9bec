//! `X6..`: policies and validators.

use super::{Level, circle, did_you_mean};
use crate::declare_diagnostics;
use crate::limits::MAX_DEPTH;

declare_diagnostics! {
    /// A policy, or something that names one.
    pub enum PolicyError;

    /// A policy that something names is declared in no file of the set. XOS 4.0.4 silently lets everyone see and change
    /// a model with such a policy. It is an error, and not a warning, because what the policy should have refused would
    /// be allowed. Correct the name, or add the file that declares the policy.
    ///
    /// ```proto
    /// policy site_policy < ctx.user.is_admin >
    /// message Site::sitte_policy {}
    /// ```
    X601 Error UnknownPolicy { user: String, policy: String, suggestion: Option<String> } => {
        message("{user} names the unknown policy `{policy}`");
        suggest(did_you_mean(suggestion));
        help("add the file that declares it to the set");
    }
    /// Two policies of the set have the same name; in XOS 4.0.4 the last one silently wins. Rename one of them.
    ///
    /// ```proto
    /// policy p < ctx.user.is_admin >
    /// policy p < True >
    /// ```
    X602 Error DuplicatePolicy { name: String } => {
        message("policy `{name}` is declared twice");
        help("rename one of them");
    }
    /// Only XOS's own core can evaluate text in Python. It is kept, but here it can be neither checked nor carried out.
    /// Say it in the language of policies if that is possible.
    ///
    /// ```proto
    /// policy no_blanks < {{ ' ' not in obj.name }} >
    /// ```
    X603 Warning Python => {
        message("only XOS's own core can evaluate this Python");
        help("say it in the language of policies if that is possible");
    }
    /// A name in a policy means nothing in its place. A policy knows `obj`, `ctx.user`, `ctx.write_access`,
    /// `ctx.read_access`, and the models of the quantifiers around the place. Correct the name, or put a quantifier
    /// around it.
    ///
    /// ```proto
    /// policy p < ctx.usr.is_admin >
    /// ```
    X604 Error UnknownName { name: String, help: String } => {
        message("`{name}` means nothing here");
        help("{help}");
    }
    /// A quantifier names a model that is declared in no file of the set. Correct the name, or add the file that
    /// declares it.
    ///
    /// ```proto
    /// policy p < exists Privilige: Privilige.object_id = obj.id >
    /// ```
    X605 Error UnknownModel { model: String, suggestion: Option<String> } => {
        message("the quantifier names the unknown model `{model}`");
        suggest(did_you_mean(suggestion));
        help("add the file that declares it to the set");
    }
    /// A path in a policy goes to a field that a model does not have. It is only a warning if the model is made in
    /// Python too (option `custom_python`), which may add the name. Correct the name.
    ///
    /// ```proto
    /// policy p < obj.nmae = "a" >
    /// message Site::p (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    X606 Error UnknownMember {
        name: String, model: String, policy: String, user: String, python: bool, suggestion: Option<String>
    } => {
        message("`{model}` has no field or link `{name}`{}", because(.policy, .user));
        level(if *python { Level::Warning } else { Level::Error });
        suggest(did_you_mean(suggestion));
    }
    /// Policies call each other in a circle, so that none of them comes to an end. Remove one of the calls.
    ///
    /// ```proto
    /// policy p < *q(obj) >
    /// policy q < *p(obj) >
    /// ```
    X607 Error Recursion { path: Vec<String>, left_out: usize } => {
        message("policies call each other in a circle: {}", circle(.path, *.left_out));
        help("remove one of these calls");
    }
    /// A policy nests deeper than is read. Give parts of it names: a policy can call another, `*other(obj)`.
    X608 Error TooDeep => {
        message("this policy nests deeper than {MAX_DEPTH} times");
        help("make policies of its parts, and call them: `*part(obj)`");
    }
    /// A path in a policy goes on after a value that has no fields, such as a text, or after many objects at once. Use
    /// `exists` for a field of any of many objects.
    ///
    /// ```proto
    /// policy p < obj.name.length = 1 >
    /// message Site::p (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    X609 Error NoFields { name: String, what: String } => {
        message("nothing can follow `{name}`, {what}");
    }
    /// A path has a call other than `all()` on a link to many objects. Only XOS's own core can carry it out. Say it
    /// without the call if that is possible.
    ///
    /// ```proto
    /// policy p < obj.name.upper() = "A" >
    /// message Site::p (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    X610 Warning Call { name: String } => {
        message("only XOS's own core can call `{name}()`");
    }
    /// Option `validators` is a list of `policy:message` with commas between them, so that a message can have neither a
    /// comma nor a colon. Write the message without them.
    ///
    /// ```proto
    /// policy named < obj.id >
    /// message Site { option validators = "named:no name, or none yet"; }
    /// ```
    X611 Error MalformedValidator { text: String } => {
        message("`{text}` is not `policy:message`");
        help("a message can have neither a comma nor a colon");
    }
    /// XOS 4.0.4 ends the body of a quantifier before the next `&`, `|` or `->`, so that what follows is about no
    /// object at all. Here the body goes as far to the right as it can. Put it in parentheses, and both read the same.
    ///
    /// ```proto
    /// policy p < exists M: M.id = 1 & M.deleted >
    /// message M (XOSBase) {}
    /// ```
    X612 Warning Precedence { quantifier: &'static str } => {
        message("XOS 4.0.4 ends this `{quantifier}` before the next `&`, `|` or `->`");
        help("put everything about its object in parentheses");
    }
    /// A `{…}` in the message of a validator is not a path from `obj` or `ctx`, so that XOS cannot fill it in. Write a
    /// path such as `{obj.name}`.
    ///
    /// ```proto
    /// policy named < obj.id >
    /// message Site { option validators = "named:{name} is no name"; }
    /// ```
    X613 Warning Placeholder { placeholder: String } => {
        message("`{{{placeholder}}}` in the message of a validator cannot be filled in");
        help("write a path, such as `{{obj.name}}`");
    }
    /// The set has more uses of policies than are checked; those from here on are not checked. Check parts of the set
    /// separately.
    X614 Warning TooManyUses => {
        message(
            "the policies are not checked against the models that use them from here on: that would take too long"
        );
    }
    /// A policy that says who may do what uses `old`, the object as it was before the save. Only a validator can,
    /// because only a validator is evaluated when something is saved. Use `obj`, or make a validator of it.
    ///
    /// ```proto
    /// policy kept < obj.name = old.name >
    /// message Site::kept (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    X615 Error OldInAccess { policy: String, model: String } => {
        message("policy `{policy}` uses `old`, and says who may do what with a `{model}`");
        help("only a validator can use `old`");
    }
    /// The language of policies has `&`, `|`, `->`, `not`, `=` and `in`, and no other operator. Write one of these; for
    /// limits of numbers use `min_value` and `max_value` of the field.
    ///
    /// ```proto
    /// policy p < obj.seats != 3 >
    /// message Table::p (XOSBase) { required int32 seats = 1; }
    /// ```
    X616 Error ForeignOperator { operator: String, instead: String } => {
        message("policies have no `{operator}`");
        help("{instead}");
    }
    /// The language of policies has no functions. For the length of a text use `min_length` and `max_length` of the
    /// field, for its form `pattern`; another policy is called with a star, `*other(obj)`.
    ///
    /// ```proto
    /// policy p < len(obj.label) = 3 >
    /// message Table::p (XOSBase) { required string label = 1 [max_length = 9]; }
    /// ```
    X617 Error Function { function: String } => {
        message("policies have no functions such as `{function}`");
        suggest((function == "len").then(|| "for the length of a text use option `min_length` or `max_length` of the field".to_owned()));
        help("another policy is called with a star, `*{function}(obj)`; for the form of a text use option `pattern` of the field");
    }
}

fn because(policy: &str, user: &str) -> String {
    if user.is_empty() { String::new() } else { format!(", and `{user}` uses policy `{policy}`") }
}
