//! The tree as text, for Graphviz, and as JSON.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::graph::{Edge, Graph, Node, Waits};

/// How many of those below one object are shown as text.
const SHOWN: usize = 50;
/// How deep the tree is shown as text.
const DEEPEST: usize = 100;

/// A line of the tree.
struct Line {
    left: String,
    /// READY, REASON and STATUS; none if it is no object's line.
    node: Option<usize>,
}

/// Returns the tree as text, with a line for each object.
pub(super) fn text(graph: &Graph, root: usize, reverse: bool) -> String {
    let mut lines = vec![Line { left: name(&graph.nodes[root], None), node: Some(root) }];
    let mut tree = Tree { graph, reverse, seen: HashSet::from([root]), lines: &mut lines };
    tree.below(root, "", 0);
    let mut text = table(graph, &lines);
    if !reverse {
        let own = name(&graph.nodes[root], None);
        let waiters: Vec<_> = graph.waiters(root).take(SHOWN + 1).collect();
        if waiters.is_empty() {
            let _ = writeln!(text, "Nothing waits for {own}.");
        }
        for &waiter in waiters.iter().take(SHOWN) {
            let _ = writeln!(text, "{} waits for {own}.", name(&graph.nodes[waiter], None));
        }
        if waiters.len() > SHOWN {
            let _ = writeln!(text, "More wait for it; --reverse shows what leads to it.");
        }
    }
    text
}

struct Tree<'a> {
    graph: &'a Graph,
    reverse: bool,
    seen: HashSet<usize>,
    lines: &'a mut Vec<Line>,
}

impl Tree<'_> {
    fn below(&mut self, node: usize, prefix: &str, depth: usize) {
        let edges: Vec<_> = self.graph.edges_of(node, self.reverse).cloned().collect();
        let last = edges.len().saturating_sub(1);
        for (at, edge) in edges.iter().enumerate() {
            if at == SHOWN || depth == DEEPEST {
                self.lines.push(Line { left: format!("{prefix}└─ and {} more", edges.len() - at), node: None });
                return;
            }
            let (branch, more) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let next = if self.reverse { edge.from } else { edge.to };
            let is_new = self.seen.insert(next);
            let mut left = format!("{prefix}{branch}{}", self.label(edge));
            left.push_str(&name(&self.graph.nodes[next], Some(&self.graph.nodes[node])));
            left.push_str(mark(edge.waits, self.reverse));
            let goes_on = self.graph.edges_of(next, self.reverse).next().is_some();
            if !is_new && goes_on {
                left.push_str(" (see above)");
            }
            self.lines.push(Line { left, node: Some(next) });
            if is_new {
                self.below(next, &format!("{prefix}{more}"), depth + 1);
            }
        }
    }

    fn label(&self, edge: &Edge) -> String {
        if self.reverse { format!("{} of ", edge.field) } else { format!("{}: ", edge.field) }
    }
}

/// Says who waits, at the lower end of a branch.
fn mark(waits: Waits, reverse: bool) -> &'static str {
    match (waits, reverse) {
        (Waits::Nobody, _) => "",
        (Waits::Source, false) => " (waited for)",
        (Waits::Source, true) => " (waits for it)",
        (Waits::Target, false) => " (waits until this one is gone)",
        (Waits::Target, true) => " (has to go first)",
    }
}

/// Returns `MyModel ada`, with the namespace where it is not that of `near`.
fn name(node: &Node, near: Option<&Node>) -> String {
    let Node { kind, namespace, name, .. } = node;
    match near {
        Some(near) if near.namespace == *namespace => format!("{kind} {name}"),
        _ => format!("{kind} {namespace}/{name}"),
    }
}

fn words(node: &Node) -> (&str, &str, &str) {
    match node {
        Node { exists: false, .. } => ("-", "Missing", "it does not exist"),
        Node { is_deleting: true, told, .. } if told.message.is_empty() => ("-", "Deleting", "it is being deleted"),
        Node { told, .. } if told.ready.is_empty() => ("-", "New", "no synchronizer has handled it yet"),
        Node { told, .. } => (&told.ready, &told.reason, &told.message),
    }
}

fn table(graph: &Graph, lines: &[Line]) -> String {
    let width = |text: &str| text.chars().count();
    let of = |line: &Line| line.node.map(|node| words(&graph.nodes[node]));
    let widest = |all: &mut dyn Iterator<Item = usize>| all.max().unwrap_or_default();
    let left = widest(&mut lines.iter().map(|line| width(&line.left))).max(width("OBJECT"));
    let reason = widest(&mut lines.iter().filter_map(of).map(|(_, reason, _)| width(reason))).max(width("REASON"));
    let mut text = format!("{:<left$}   {:<7}   {:<reason$}   STATUS\n", "OBJECT", "READY", "REASON");
    for line in lines {
        let (ready, why, status) = of(line).unwrap_or_default();
        let row = format!("{:<left$}   {ready:<7}   {why:<reason$}   {status}", line.left);
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

/// Returns the graph for Graphviz.
pub(super) fn dot(graph: &Graph, root: usize, reverse: bool) -> String {
    let (nodes, edges) = graph.reached(root, reverse);
    let mut text = "digraph xos {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for at in nodes {
        let node = &graph.nodes[at];
        let (_, reason, _) = words(node);
        let style = if node.exists { "solid" } else { "dashed" };
        let color = if node.is_ready() { "darkgreen" } else { "red" };
        let label = quoted(&format!("{}\n{reason}", name(node, None)));
        let _ = writeln!(text, "  n{at} [label={label}, style={style}, color={color}];");
    }
    for Edge { from, to, field, waits } in edges {
        let color = if *waits == Waits::Nobody { "black" } else { "red" };
        let _ = writeln!(text, "  n{from} -> n{to} [label={}, color={color}];", quoted(field));
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Returns the graph as JSON.
pub(super) fn json(graph: &Graph, root: usize, reverse: bool) -> Value {
    let (nodes, edges) = graph.reached(root, reverse);
    let shown = |at: usize| name(&graph.nodes[at], None);
    let nodes: Vec<_> = nodes
        .into_iter()
        .map(|at| {
            let node = &graph.nodes[at];
            let (ready, reason, message) = words(node);
            json!({
                "id": shown(at), "kind": node.kind, "namespace": node.namespace, "name": node.name,
                "exists": node.exists, "deleting": node.is_deleting, "ready": ready, "reason": reason,
                "message": message,
            })
        })
        .collect();
    let edges: Vec<_> = edges
        .into_iter()
        .map(|Edge { from, to, field, waits }| {
            let waits = match waits {
                Waits::Nobody => Value::Null,
                Waits::Source => "from".into(),
                Waits::Target => "to".into(),
            };
            json!({"from": shown(*from), "to": shown(*to), "field": field, "waits": waits})
        })
        .collect();
    json!({"root": shown(root), "nodes": nodes, "edges": edges})
}

#[cfg(test)]
mod tests {
    use super::super::graph::{Reference, Told};
    use super::*;

    fn node(kind: &str, name: &str, told: (&str, &str, &str), links: &[(&str, &str, &str)]) -> Node {
        let (ready, reason, message) = told;
        let reference = |(field, peer, name): &(&str, &str, &str)| Reference {
            field: (*field).to_owned(),
            is_to_many: *field == "friends",
            peer: (*peer).to_owned(),
            is_exact: false,
            namespace: "n".to_owned(),
            name: (*name).to_owned(),
        };
        Node {
            kind: kind.to_owned(),
            namespace: "n".to_owned(),
            name: name.to_owned(),
            exists: true,
            is_deleting: false,
            told: Told { ready: ready.to_owned(), reason: reason.to_owned(), message: message.to_owned() },
            references: links.iter().map(reference).collect(),
        }
    }

    /// A person waits for a team that failed, and leads to a site by its base; the site leads to itself.
    fn graph() -> (Graph, usize) {
        let waiting = ("False", "WaitingForDependency", "waits for Team engines");
        let ada = node("Person", "ada", waiting, &[("site", "Place", "rome"), ("team", "Team", "engines")]);
        let bob = node("Person", "bob", waiting, &[("team", "Team", "gone")]);
        let team = node("Team", "engines", ("False", "SyncFailed", "no route"), &[]);
        let site = node("Site", "rome", ("True", "SyncSucceeded", "OK"), &[("friends", "Place", "rome")]);
        let other = node("Team", "rome", ("True", "SyncSucceeded", "OK"), &[]);
        let inherits = |heir: &str, base: &str| (heir, base) == ("Site", "Place");
        Graph::of(vec![ada.clone(), bob, team, other, site], ada, &inherits)
    }

    #[test]
    fn a_tree_says_what_is_waited_for() {
        let (graph, ada) = graph();
        let expected = "\
OBJECT                                READY     REASON                 STATUS
Person n/ada                          False     WaitingForDependency   waits for Team engines
├─ site: Site rome                    True      SyncSucceeded          OK
│  └─ friends: Site rome (see above)  True      SyncSucceeded          OK
└─ team: Team engines (waited for)    False     SyncFailed             no route
Nothing waits for Person n/ada.
";
        let shown = text(&graph, ada, false);
        assert_eq!(squeezed(&shown), squeezed(expected), "{shown}");
        let columns: HashSet<_> = shown.lines().filter_map(|line| line.find("SyncSucceeded")).collect();
        assert!(columns.len() <= 2, "{shown}");
    }

    fn squeezed(text: &str) -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn from_below_it_says_who_waits() {
        let (graph, _) = graph();
        let at = |name: &str| graph.nodes.iter().position(|node| node.name == name).unwrap();
        let lines = squeezed(&text(&graph, at("engines"), true));
        assert_eq!(
            lines[1..],
            [
                "Team n/engines False SyncFailed no route",
                "└─ team of Person ada (waits for it) False WaitingForDependency waits for Team engines",
            ]
        );
        let lines = squeezed(&text(&graph, at("engines"), false));
        assert_eq!(lines[2], "Person n/ada waits for Team n/engines.");
        let lines = squeezed(&text(&graph, at("bob"), false));
        assert_eq!(lines[2], "└─ team: Team gone (waited for) - Missing it does not exist");
    }

    #[test]
    fn what_is_deleted_waits_for_those_that_lead_to_it() {
        let ready = ("True", "SyncSucceeded", "OK");
        let ada = node("Person", "ada", ready, &[("team", "Team", "engines"), ("friends", "Team", "engines")]);
        let mut team = node("Team", "engines", ("", "", ""), &[]);
        team.is_deleting = true;
        let (graph, root) = Graph::of(vec![ada, team.clone()], team, &|_, _| false);
        let lines = squeezed(&text(&graph, root, true));
        assert_eq!(
            lines[1..],
            [
                "Team n/engines - Deleting it is being deleted",
                "├─ team of Person ada (has to go first) True SyncSucceeded OK",
                "└─ friends of Person ada True SyncSucceeded OK",
            ]
        );
        assert_eq!(squeezed(&text(&graph, 0, false)).last().unwrap(), "Team n/engines waits for Person n/ada.");
    }

    #[test]
    fn many_are_counted() {
        let ready = ("True", "SyncSucceeded", "OK");
        let team = node("Team", "engines", ready, &[]);
        let people = (0..60).map(|n| node("Person", &format!("p{n}"), ready, &[("team", "Team", "engines")]));
        let (graph, root) = Graph::of(people.collect(), team, &|_, _| false);
        let lines = squeezed(&text(&graph, root, true));
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (2 + SHOWN + 1, Some("└─ and 10 more")));
        assert_eq!(json(&graph, root, true)["edges"].as_array().unwrap().len(), 60);
    }

    #[test]
    fn programs_get_nodes_and_edges() {
        let (graph, ada) = graph();
        let json = json(&graph, ada, false);
        assert_eq!(json["root"], "Person n/ada");
        assert_eq!(json["nodes"].as_array().unwrap().len(), 3);
        let edge = json!({"from": "Person n/ada", "to": "Team n/engines", "field": "team", "waits": "from"});
        assert!(json["edges"].as_array().unwrap().contains(&edge), "{json:#}");
        let dot = dot(&graph, ada, false);
        assert!(dot.starts_with("digraph xos {\n") && dot.ends_with("}\n"), "{dot}");
        assert!(dot.contains(r#"n0 [label="Person n/ada\nWaitingForDependency", style=solid, color=red];"#), "{dot}");
        assert!(dot.contains(r#"n0 -> n2 [label="team", color=red];"#), "{dot}");
        assert_eq!(quoted("a\"b\\c"), r#""a\"b\\c""#);
    }
}
