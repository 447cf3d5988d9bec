//! `X1..`: parts of protobuf's language that mean nothing to XOS.

use crate::declare_diagnostics;

declare_diagnostics! {
    /// A part of protobuf's language that means nothing to XOS; it is skipped as a whole.
    pub enum Unsupported;

    /// A field with a list of values. No XOS model has one, and XOS cannot store it. Write `required` or `optional`.
    ///
    /// ```proto
    /// repeated string names = 1 [max_length = 9];
    /// ```
    X103 Error Repeated { name: Option<String> } => {
        message("XOS has no repeated fields: {}", named("this field", .name));
        help("write `required` or `optional`; XOS stores no lists");
    }
    /// A message inside a message. XOS ignores it. Write it outside the other one.
    ///
    /// ```proto
    /// message Site {
    ///     message Port {}
    /// }
    /// ```
    X104 Error NestedMessage { name: Option<String> } => {
        message("XOS has no nested messages: {}", named("this message", .name));
        help("write the message outside the other one; to inherit from it, name it as a base");
    }
    /// An enumeration. XOS ignores it. Use a string with `choices`.
    ///
    /// ```proto
    /// enum Color { RED = 1; }
    /// ```
    X105 Error Enum { name: Option<String> } => {
        message("XOS has no enumerations: {}", named("this `enum`", .name));
        help(r#"use a string with `choices = "(('a', 'A'), ('b', 'B'))"`"#);
    }
    /// A choice between fields. XOS has none. Write optional fields.
    ///
    /// ```proto
    /// oneof either { int32 a = 1; int32 b = 2; }
    /// ```
    X106 Error Oneof { name: Option<String> } => {
        message("XOS has no `oneof`: {}", named("this `oneof`", .name));
        help("write the fields as optional ones");
    }
    /// `extend` and `extensions`. Make a model with a base instead.
    ///
    /// ```proto
    /// extend Site { required int32 size = 1; }
    /// ```
    X107 Error Extension { name: Option<String> } => {
        message("XOS has no extensions: {}", named("this one", .name));
        help("write a message with the other one as its base: `message Mine (Theirs) {{ … }}`");
    }
    /// `map` and `reduce`, both the operators and the field type. Remove them.
    ///
    /// ```proto
    /// required map<string, string> labels = 1;
    /// ```
    X108 Error MapReduce { name: Option<String> } => {
        message("`map` and `reduce` mean nothing in a model: {}", named("this one", .name));
        help("remove it");
    }
    /// An import has no effect, here as in XOS. All files of a set see each other's messages without it.
    ///
    /// ```proto
    /// import "core.xproto";
    /// message Site {}
    /// ```
    X109 Warning Import => {
        message("an import has no effect");
        help("remove it: all files of a set see each other's messages");
    }
    /// A package has no effect here. In XOS 4.0.4 it keeps links from being seen from their peers. Use the file option
    /// `app_label`.
    ///
    /// ```proto
    /// package xos.example;
    /// message Site {}
    /// ```
    X110 Warning Package { name: Option<String> } => {
        message("a package has no effect{}", .name.as_ref().map(|name| format!(": `{name}`")).unwrap_or_default());
        help(r#"remove it, and set the group of the models with `option app_label = "…";`"#);
    }
    /// A service or its methods. XOS makes the service of a model by itself. Remove it.
    ///
    /// ```proto
    /// _service Sites { rpc Get (Site) returns (Site); }
    /// ```
    X111 Error Service { name: Option<String> } => {
        message("XOS makes the services by itself: {}", named("this service", .name));
        help("remove it: XOS makes the service of every model by itself");
    }
    /// `syntax = …;` belongs to protobuf; XOS rejects it. Remove it.
    ///
    /// ```proto
    /// syntax = "proto2";
    /// message Site {}
    /// ```
    X112 Error SyntaxStatement => {
        message("an xproto file may not have a `syntax` statement");
        help("remove it");
    }
    /// A policy after the name of a field or link is kept, but nothing uses it, as in XOS 4.0.4. Name the policy on the
    /// message.
    ///
    /// ```proto
    /// required string name::name_policy = 1 [max_length = 9];
    /// ```
    X113 Warning FieldPolicy => {
        message("a policy on a field or link has no effect");
        help("remove it, and name the policy on the message: `message Name::policy (Base)`");
    }
}

fn named(what: &str, name: &Option<String>) -> String {
    name.as_ref().map_or_else(|| format!("{what} is skipped"), |name| format!("`{name}` is skipped"))
}
