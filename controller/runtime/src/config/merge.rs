//! Merges overlays.

use xos_yaml::{Entry, Node, Value};

/// Merges a tree over another: maps are merged, any other value replaces the one below.
pub(super) fn merge(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(overlay)) => {
            for entry in overlay {
                match entries.iter().position(|base| base.key == entry.key) {
                    None => entries.push(entry),
                    Some(at) => {
                        let base = entries.remove(at);
                        let node = merge(base.node, entry.node);
                        entries.insert(at, Entry { node, ..entry });
                    }
                }
            }
            Node { value: Value::Map(entries), place: base.place }
        }
        (_, value) => Node { value, place: over.place },
    }
}
