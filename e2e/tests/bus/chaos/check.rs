//! What a ledger says of lost, disordered and repeated events.

use std::collections::{BTreeMap, BTreeSet};

use xos_e2e::ledger::Entry;

/// What was found in a ledger.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Events that nobody has handled, as `key:number`.
    pub(super) lost: Vec<String>,
    /// Events that were handled before an earlier one of their key, as `key:number`.
    pub(super) disordered: Vec<String>,
    /// Keys whose last handled event is not their last one: an older state was written over the newest.
    pub(super) outdated: Vec<String>,
    /// Events that were handled again.
    pub(super) repeated: usize,
}

/// What was seen of a key.
#[derive(Default)]
struct Seen {
    all: BTreeSet<usize>,
    last: usize,
}

/// Judges the entries, in their order, of messages of which so many were sent for each key.
pub(super) fn judge<'a>(entries: impl IntoIterator<Item = &'a Entry>, sent: &BTreeMap<String, usize>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut keys: BTreeMap<&str, Seen> = BTreeMap::new();
    for Entry { key, number, .. } in entries {
        let seen = keys.entry(key).or_default();
        seen.last = *number;
        // After a crash or a rebalance events come again, from an earlier one on. But none comes too early.
        let next = seen.all.last().map_or(0, |highest| highest + 1);
        if *number > next {
            verdict.disordered.push(format!("{key}:{number}"));
        }
        if !seen.all.insert(*number) {
            verdict.repeated += 1;
        }
    }
    for (key, count) in sent {
        let none = Seen::default();
        let seen = keys.get(key.as_str()).unwrap_or(&none);
        verdict.lost.extend((0..*count).filter(|number| !seen.all.contains(number)).map(|n| format!("{key}:{n}")));
        if *count > 0 && !seen.all.is_empty() && seen.last + 1 != *count {
            verdict.outdated.push(key.clone());
        }
    }
    verdict
}

fn entries(all: &[(&str, usize)]) -> Vec<Entry> {
    all.iter().map(|&(key, number)| Entry { key: key.to_owned(), number, process: 1, at: 0 }).collect()
}

fn sent(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|&(key, count)| (key.to_owned(), count)).collect()
}

#[test]
fn a_ledger_is_judged() {
    let all = entries(&[("a", 0), ("b", 0), ("a", 1), ("a", 0), ("a", 1), ("a", 2)]);
    let good = Verdict { repeated: 2, ..Verdict::default() };
    assert_eq!(judge(&all, &sent(&[("a", 3), ("b", 1)])), good, "events that come again are no disorder");

    let lost = judge(&entries(&[("a", 0)]), &sent(&[("a", 2), ("b", 1)]));
    assert_eq!(lost.lost, ["a:1", "b:0"]);

    let jumped = judge(&entries(&[("a", 1), ("a", 0)]), &sent(&[("a", 2)]));
    assert_eq!((jumped.disordered, jumped.outdated), (vec!["a:1".to_owned()], vec!["a".to_owned()]));
    assert!(jumped.lost.is_empty());
    let late = judge(&entries(&[("a", 0), ("a", 1), ("a", 0)]), &sent(&[("a", 2)]));
    assert_eq!((late.outdated, late.repeated), (vec!["a".to_owned()], 1));
    let missing = judge(&entries(&[("a", 0), ("a", 2)]), &sent(&[("a", 3)]));
    assert_eq!((missing.disordered, missing.lost), (vec!["a:2".to_owned()], vec!["a:1".to_owned()]));
}
