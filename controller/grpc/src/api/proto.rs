//! The API as the text of a .proto file.

use std::fmt::Write as _;

use super::{Api, Field, Message, Method};

/// The text above the messages. XOS's client asks the compiled file for the messages of its imports.
const HEAD: &str = r#"// The API of XOS for its models. Made by `xos proto`.
syntax = "proto3";

package xos;

import "google/protobuf/empty.proto";
import "google/api/annotations.proto";
import "common.proto";
import "xosoptions.proto";

// Each field has a oneof of its own, so that an unset field differs from one that has the zero of its type.
"#;

/// Returns the text of `xos.proto`.
pub(super) fn text(api: &Api) -> String {
    let mut out = HEAD.to_owned();
    for item in &api.messages {
        message(item, &mut out);
    }
    line(&mut out, "\nservice xos {");
    for item in api.messages.iter().flat_map(Message::methods) {
        method(&item, &mut out);
    }
    line(&mut out, "}");
    out
}

fn message(message: &Message, out: &mut String) {
    line(out, &format!("\nmessage {} {{", message.name));
    line(out, &format!("    option (contentTypeId) = \"{}\";", escaped(&message.content_type)));
    for item in &message.fields {
        field(item, out);
    }
    line(out, "}");
    line(out, &format!("\nmessage {} {{", message.plural));
    line(out, &format!("    repeated {} items = 1;", message.name));
    line(out, "}");
}

fn field(field: &Field, out: &mut String) {
    let repeated = if field.is_repeated() { "repeated " } else { "" };
    let options = match field.option_texts() {
        texts if texts.is_empty() => String::new(),
        texts => format!(" [{}]", texts.join(", ")),
    };
    let declaration = format!("{repeated}{} {} = {}{options};", field.type_name(), field.name, field.number);
    match field.presence() {
        None => line(out, &format!("    {declaration}")),
        Some(presence) => {
            line(out, &format!("    oneof {presence} {{"));
            line(out, &format!("        {declaration}"));
            line(out, "    }");
        }
    }
}

fn method(method: &Method, out: &mut String) {
    let Method { name, input, output, http } = method;
    let Some((verb, path)) = http else {
        return line(out, &format!("    rpc {name}({input}) returns ({output}) {{\n    }}"));
    };
    line(out, &format!("    rpc {name}({input}) returns ({output}) {{"));
    line(out, "        option (google.api.http) = {");
    line(out, &format!("            {}: \"{}\"", verb.keyword(), escaped(path)));
    if verb.has_body() {
        line(out, "            body: \"*\"");
    }
    line(out, "        };\n    }");
}

/// Returns a text as it is written in a string of the .proto language.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if c.is_ascii_control() => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\{:03o}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a\"b\\c\n\u{e9}"), "a\\\"b\\\\c\\012\u{e9}");
    }
}
