//! `X6..`: policies and validators.

use super::{Code, circle, did_you_mean};
use crate::limits::MAX_DEPTH;

/// A policy, or something that names one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// `X601`: A policy that something names is declared in no file of the set. XOS 4.0.4 lets a model with such a
    /// policy be seen and changed by everyone, without a word. It is an error, and not a warning, because what the
    /// policy should have refused would be allowed. Correct the name, or add the file that declares the policy.
    ///
    /// ```proto
    /// policy site_policy < ctx.user.is_admin >
    /// message Site::sitte_policy {}
    /// ```
    #[error("{user} names the unknown policy `{policy}`")]
    UnknownPolicy {
        /// What names the policy.
        user: String,
        /// The policy as written.
        policy: String,
        /// A policy that it may have meant.
        suggestion: Option<String>,
    },
    /// `X602`: Two policies of the set have one name; in XOS 4.0.4 the last one silently wins. Rename one of them.
    ///
    /// ```proto
    /// policy p < ctx.user.is_admin >
    /// policy p < True >
    /// ```
    #[error("policy `{name}` is declared twice")]
    DuplicatePolicy {
        /// The name.
        name: String,
    },
    /// `X603` (warning): Text in Python, which only XOS's own core can evaluate. It is kept, but here it can neither be
    /// checked nor carried out. Say it in the language of policies if that can be.
    ///
    /// ```proto
    /// policy no_blanks < {{ ' ' not in obj.name }} >
    /// ```
    #[error("only XOS's own core can evaluate this Python")]
    Python,
    /// `X604`: A name in a policy means nothing there. A policy knows `obj`, `ctx.user`, `ctx.write_access`,
    /// `ctx.read_access`, and the models of the quantifiers around the place. Correct the name, or put a quantifier
    /// around the place.
    ///
    /// ```proto
    /// policy p < ctx.usr.is_admin >
    /// ```
    #[error("`{name}` means nothing here")]
    UnknownName {
        /// The name.
        name: String,
        /// What to do.
        help: String,
    },
    /// `X605`: A quantifier speaks of a model that is declared in no file of the set. Correct the name, or add the file
    /// that declares it.
    ///
    /// ```proto
    /// policy p < exists Privilige: Privilige.object_id = obj.id >
    /// ```
    #[error("the quantifier speaks of the unknown model `{model}`")]
    UnknownModel {
        /// The name.
        model: String,
        /// A model that it may have meant.
        suggestion: Option<String>,
    },
    /// `X606`: A path in a policy goes to a field that a model does not have. Only a warning if the model is made in
    /// Python too (option `custom_python`), which may add the name.
    ///
    /// ```proto
    /// policy p < obj.nmae = "a" >
    /// message Site::p (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    #[error("`{model}` has no field or link `{name}`{}", because(.policy, .user))]
    UnknownMember {
        /// The name.
        name: String,
        /// The model that does not have it.
        model: String,
        /// The policy.
        policy: String,
        /// The model that uses the policy, if it is not that of the field.
        user: String,
        /// Whether Python may add the name.
        python: bool,
        /// A field or link that it may have meant.
        suggestion: Option<String>,
    },
    /// `X607`: Policies call each other in a circle, so that none of them comes to an end. Remove one of the calls.
    ///
    /// ```proto
    /// policy p < *q(obj) >
    /// policy q < *p(obj) >
    /// ```
    #[error("policies call each other in a circle: {}", circle(.path, *.left_out))]
    Recursion {
        /// The circle from a policy back to itself, or its begin and end.
        path: Vec<String>,
        /// How many policies are left out before the last one.
        left_out: usize,
    },
    /// `X608`: A policy nests deeper than is read. Give parts of it names: a policy can call another, `*other(obj)`.
    #[error("this policy nests deeper than {MAX_DEPTH} times")]
    TooDeep,
    /// `X609`: A path in a policy goes on behind a value that has no fields, such as a text, or behind many objects at
    /// once. Use `exists` for a field of any of many objects.
    ///
    /// ```proto
    /// policy p < obj.name.length = 1 >
    /// message Site::p (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    #[error("nothing can stand behind `{name}`, {what}")]
    NoFields {
        /// The last name that is known.
        name: String,
        /// What it is.
        what: String,
    },
    /// `X610` (warning): A call in a path other than `all()` on a link to many objects. Only XOS's own core can carry
    /// it out. Say it without the call if that can be.
    ///
    /// ```proto
    /// policy p < obj.name.upper() = "A" >
    /// message Site::p (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    #[error("only XOS's own core can call `{name}()`")]
    Call {
        /// The name.
        name: String,
    },
    /// `X611`: Option `validators` is a list of `policy:message` with commas between them, so that a message can have
    /// neither a comma nor a colon. Write the message without them.
    ///
    /// ```proto
    /// policy named < obj.id >
    /// message Site { option validators = "named:no name, or none yet"; }
    /// ```
    #[error("`{text}` is not `policy:message`")]
    MalformedValidator {
        /// The part of the option.
        text: String,
    },
    /// `X612` (warning): XOS 4.0.4 ends the body of a quantifier before the next `&`, `|` or `->`, so that what stands
    /// behind it is about no object at all. Here the body goes as far to the right as it can. Put it in parentheses,
    /// and both read the same.
    ///
    /// ```proto
    /// policy p < exists M: M.id = 1 & M.deleted >
    /// message M (XOSBase) {}
    /// ```
    #[error("XOS 4.0.4 ends this `{quantifier}` before the next `&`, `|` or `->`")]
    Precedence {
        /// `exists` or `forall`.
        quantifier: &'static str,
    },
    /// `X613` (warning): A `{…}` in the message of a validator is no path from `obj` or `ctx`, so that XOS cannot fill
    /// it. Write a path such as `{obj.name}`.
    ///
    /// ```proto
    /// policy named < obj.id >
    /// message Site { option validators = "named:{name} is no name"; }
    /// ```
    #[error("`{{{placeholder}}}` in the message of a validator is nothing that can be filled in")]
    Placeholder {
        /// What stands in the braces.
        placeholder: String,
    },
    /// `X614` (warning): The set has more uses of policies than are checked; those from here on are taken as they are.
    /// Check parts of the set by themselves.
    #[error("the policies are not checked against the models that use them from here on: that would take too long")]
    TooManyUses,
    /// `X615`: A policy that says who may do what speaks of `old`, the object as it was before the save. Only a
    /// validator can, since only it is asked when something is saved. Ask of `obj`, or make a validator of it.
    ///
    /// ```proto
    /// policy kept < obj.name = old.name >
    /// message Site::kept (XOSBase) { required string name = 1 [max_length = 9]; }
    /// ```
    #[error("policy `{policy}` speaks of `old`, and says who may do what with a `{model}`")]
    OldInAccess {
        /// The policy.
        policy: String,
        /// The model.
        model: String,
    },
}

impl PolicyError {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::UnknownPolicy { .. } => 601,
            Self::DuplicatePolicy { .. } => 602,
            Self::Python => 603,
            Self::UnknownName { .. } => 604,
            Self::UnknownModel { .. } => 605,
            Self::UnknownMember { .. } => 606,
            Self::Recursion { .. } => 607,
            Self::TooDeep => 608,
            Self::NoFields { .. } => 609,
            Self::Call { .. } => 610,
            Self::MalformedValidator { .. } => 611,
            Self::Precedence { .. } => 612,
            Self::Placeholder { .. } => 613,
            Self::TooManyUses => 614,
            Self::OldInAccess { .. } => 615,
        })
    }

    pub(crate) fn is_warning(&self) -> bool {
        match self {
            Self::UnknownMember { python, .. } => *python,
            Self::Python
            | Self::Call { .. }
            | Self::Precedence { .. }
            | Self::Placeholder { .. }
            | Self::TooManyUses => true,
            _ => false,
        }
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::UnknownPolicy { suggestion, .. } => {
                did_you_mean(suggestion.as_ref(), "add the file that declares it to the set")
            }
            Self::DuplicatePolicy { .. } => "rename one of them".to_owned(),
            Self::Python => "say it in the language of policies if that can be".to_owned(),
            Self::UnknownName { help, .. } => help.clone(),
            Self::UnknownModel { suggestion, .. } => {
                did_you_mean(suggestion.as_ref(), "add the file that declares it to the set")
            }
            Self::UnknownMember { suggestion, .. } => did_you_mean(Some(suggestion.as_ref()?), ""),
            Self::Recursion { .. } => "remove one of these calls".to_owned(),
            Self::TooDeep => "make policies of its parts, and call them: `*part(obj)`".to_owned(),
            Self::MalformedValidator { .. } => "a message can have neither a comma nor a colon".to_owned(),
            Self::Precedence { .. } => "put all that is about its object in parentheses".to_owned(),
            Self::OldInAccess { .. } => "only a validator can speak of `old`".to_owned(),
            Self::Placeholder { .. } => "write a path, such as `{obj.name}`".to_owned(),
            Self::NoFields { .. } | Self::Call { .. } | Self::TooManyUses => return None,
        };
        Some(help)
    }
}

fn because(policy: &str, user: &str) -> String {
    if user.is_empty() { String::new() } else { format!(", and `{user}` uses policy `{policy}`") }
}
