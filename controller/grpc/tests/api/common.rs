//! The normal form of an API, for comparisons: one row a message, field or method.

#![allow(dead_code, reason = "not every test uses all of it")]

use xos_grpc::{Api, Message};

/// Returns the messages and fields.
pub(crate) fn message_rows(api: &Api) -> Vec<String> {
    let mut rows = Vec::new();
    for message in &api.messages {
        rows.push(format!("message\t{}\t{}", message.name, message.content_type));
        for field in &message.fields {
            let repeated = if field.is_repeated() { "repeated " } else { "" };
            let options = field.option_texts().join(", ");
            rows.push(format!("{}\t{repeated}{}\t{}\t{options}", field.number, field.type_name(), field.name));
        }
        rows.push(format!("message\t{}\t", message.plural));
        rows.push(format!("1\trepeated {}\titems\t", message.name));
    }
    rows
}

/// Returns the methods, each with how it is called over HTTP.
pub(crate) fn method_rows(api: &Api) -> Vec<String> {
    let mut rows = Vec::new();
    for method in api.messages.iter().flat_map(Message::methods) {
        rows.push(format!("rpc\t{}\t{}\t{}", method.name, method.input, method.output));
        rows.extend(method.http.map(|(verb, path)| format!("http\t{}\t{path}", verb.keyword())));
    }
    rows
}

/// Returns the first row in which two normal forms differ, and what it belongs to.
pub(crate) fn first_difference(ours: &[String], theirs: &[String]) -> Option<String> {
    let at = (0..ours.len().max(theirs.len())).find(|&at| ours.get(at) != theirs.get(at))?;
    let is_message = |row: &&String| row.starts_with("message\t");
    let inside = ours.iter().take(at).rev().find(is_message).map_or("", String::as_str);
    let row = |rows: &[String]| rows.get(at).map_or("nothing".to_owned(), Clone::clone);
    Some(format!("in {inside:?}\n    ours:   {}\n    theirs: {}", row(ours), row(theirs)))
}
