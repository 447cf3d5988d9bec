//! The graph for Graphviz and for Mermaid.

use std::fmt::Write as _;

use super::shape::{EdgeKind, Graph, Label, Node};

/// Returns the graph in Graphviz's language.
pub(super) fn dot(graph: &Graph) -> String {
    let mut text = "digraph models {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for node in &graph.nodes {
        let style = if node.is_foreign { ", style=dotted" } else { "" };
        let _ = writeln!(text, "  {} [label={}{style}];", quoted(&node.name), quoted(&words(node, "\n")));
    }
    for edge in &graph.edges {
        let (from, to) = (quoted(&edge.from), quoted(&edge.to));
        let _ = match &edge.kind {
            EdgeKind::Inherits => writeln!(text, "  {from} -> {to} [style=dashed, arrowhead=empty];"),
            EdgeKind::Link(link) => writeln!(text, "  {from} -> {to} [label={}];", quoted(&label(link, "\n"))),
        };
    }
    text + "}\n"
}

/// Returns the graph in Mermaid's language.
pub(super) fn mermaid(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for node in &graph.nodes {
        let class = if node.is_foreign { ":::foreign" } else { "" };
        let _ = writeln!(text, "  {}[\"{}\"]{class}", id(&node.name), words(node, "<br/>"));
    }
    for edge in &graph.edges {
        let (from, to) = (id(&edge.from), id(&edge.to));
        let _ = match &edge.kind {
            EdgeKind::Inherits => writeln!(text, "  {from} -.->|inherits from| {to}"),
            EdgeKind::Link(link) => writeln!(text, "  {from} -->|\"{}\"| {to}", label(link, "<br/>")),
        };
    }
    if graph.nodes.iter().any(|node| node.is_foreign) {
        text.push_str("  classDef foreign stroke-dasharray: 2 2\n");
    }
    text
}

fn words(node: &Node, line_end: &str) -> String {
    if node.is_abstract { format!("{}{line_end}(abstract)", node.name) } else { node.name.clone() }
}

fn label(link: &Label, line_end: &str) -> String {
    let reverse = link.reverse.as_ref().map(|port| format!("{line_end}reverse: {port}")).unwrap_or_default();
    format!("{}{line_end}{}{reverse}", link.name, link.what)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Returns the name of a node. Words of Mermaid's own, such as `end`, are in small letters.
fn id(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_uppercase()) { name.to_owned() } else { format!("M_{name}") }
}
