//! Which objects of ours depend on which objects of Kubernetes, and what of these they have seen. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use xos_model::ObjectKey;
use xos_steps::ForeignKind;

/// Namespace and name; the namespace is empty for kinds that are in none.
pub(crate) type Id = (String, String);

/// What one watch shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Watched {
    pub(crate) kind: Arc<ForeignKind>,
    /// The namespace; none: all, or the kind is in none.
    pub(crate) namespace: Option<String>,
    /// A label selector.
    pub(crate) labels: Option<String>,
    /// The one name.
    pub(crate) name: Option<String>,
}

/// What was seen of what a watch shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An object, with its version if it was there.
    One(Id, Option<String>),
    /// All objects, or those of a namespace, with their versions.
    All(Option<String>, BTreeMap<Id, String>),
}

/// What an object of ours has seen.
pub(crate) type Sights = Vec<(Watched, Seen)>;

#[derive(Debug, Default)]
pub(crate) struct Index {
    watches: HashMap<Watched, Shown>,
    owners: HashMap<ObjectKey, Owner>,
}

/// What a watch has shown.
#[derive(Debug, Default)]
struct Shown {
    /// The versions of the objects; nothing before it is listed.
    known: Option<HashMap<Id, String>>,
    /// Who has seen which one.
    by_id: HashMap<Id, BTreeSet<ObjectKey>>,
    /// Who has seen all.
    lists: BTreeSet<ObjectKey>,
}

#[derive(Debug, Default)]
struct Owner {
    sights: Sights,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Its step runs: what it sees is told at its end.
    #[default]
    Running,
    /// It waits for news.
    Waiting,
    /// It is told that there is news.
    Told,
}

impl Seen {
    /// Returns whether a version (none: it is gone) is news.
    fn is_news(&self, id: &Id, version: Option<&str>) -> bool {
        let seen = match self {
            Self::One(of, _) if of != id => return false,
            Self::One(_, seen) => seen.as_deref(),
            Self::All(Some(namespace), _) if *namespace != id.0 => return false,
            Self::All(_, seen) => seen.get(id).map(String::as_str),
        };
        match (version, seen) {
            (Some(version), Some(seen)) => is_newer(version, seen),
            (version, seen) => version.is_some() != seen.is_some(),
        }
    }

    /// Returns whether any of these is.
    fn are_news(&self, known: &HashMap<Id, String>) -> bool {
        match self {
            Self::One(id, _) => self.is_news(id, known.get(id).map(String::as_str)),
            Self::All(_, seen) => {
                known.iter().any(|(id, version)| self.is_news(id, Some(version)))
                    || seen.keys().any(|id| !known.contains_key(id))
            }
        }
    }
}

/// Returns whether a resourceVersion is a later one. They are numbers; of others only equality is known.
fn is_newer(version: &str, seen: &str) -> bool {
    match (version.parse::<u64>(), seen.parse::<u64>()) {
        (Ok(version), Ok(seen)) => version > seen,
        _ => version != seen,
    }
}

impl Index {
    /// Notes that a watch begins.
    pub(crate) fn watch(&mut self, watched: &Watched) {
        self.watches.entry(watched.clone()).or_default();
    }

    /// Notes that the step of an object runs: until its end there is no news for it.
    pub(crate) fn begin(&mut self, owner: &ObjectKey) {
        self.owners.entry(owner.clone()).or_default().state = State::Running;
    }

    /// Takes in what an object has seen, in place of what it saw before. Returns whether there is news for it already, and
    /// the watches that nobody needs any more.
    pub(crate) fn end(&mut self, owner: &ObjectKey, sights: Sights) -> (bool, Vec<Watched>) {
        let before = self.leave(owner);
        for (watched, seen) in &sights {
            let shown = self.watches.entry(watched.clone()).or_default();
            match seen {
                Seen::One(id, _) => drop(shown.by_id.entry(id.clone()).or_default().insert(owner.clone())),
                Seen::All(..) => drop(shown.lists.insert(owner.clone())),
            }
        }
        let news = |(watched, seen): &(Watched, Seen)| {
            let known = self.watches.get(watched).and_then(|shown| shown.known.as_ref());
            known.is_some_and(|known| seen.are_news(known))
        };
        let has_news = sights.iter().any(news);
        let state = if has_news { State::Told } else { State::Waiting };
        if !sights.is_empty() {
            self.owners.insert(owner.clone(), Owner { sights, state });
        }
        let unused = before.into_iter().filter(|watched| self.forget_unused(watched)).collect();
        (has_news, unused)
    }

    /// Takes an object out. Returns the watches that it needed.
    fn leave(&mut self, owner: &ObjectKey) -> Vec<Watched> {
        let sights = self.owners.remove(owner).map(|owner| owner.sights).unwrap_or_default();
        for (watched, seen) in &sights {
            let Some(shown) = self.watches.get_mut(watched) else { continue };
            match seen {
                Seen::All(..) => drop(shown.lists.remove(owner)),
                Seen::One(id, _) => {
                    if let Some(owners) = shown.by_id.get_mut(id) {
                        owners.remove(owner);
                        if owners.is_empty() {
                            shown.by_id.remove(id);
                        }
                    }
                }
            }
        }
        sights.into_iter().map(|(watched, _)| watched).collect()
    }

    fn forget_unused(&mut self, watched: &Watched) -> bool {
        let is_unused = self.watches.get(watched).is_some_and(|shown| shown.by_id.is_empty() && shown.lists.is_empty());
        if is_unused {
            self.watches.remove(watched);
        }
        is_unused
    }

    /// Takes in a list. Returns for whom there is news.
    pub(crate) fn listed(&mut self, watched: &Watched, known: HashMap<Id, String>) -> Vec<ObjectKey> {
        let Some(shown) = self.watches.get_mut(watched) else { return vec![] };
        let all: BTreeSet<_> = shown.by_id.values().chain([&shown.lists]).flatten().cloned().collect();
        let news = |seen: &Seen| seen.are_news(&known);
        let told = tell(&mut self.owners, &all, watched, news);
        shown.known = Some(known);
        told
    }

    /// Takes in an object that has changed (its version), or is gone. Returns for whom that is news.
    pub(crate) fn changed(&mut self, watched: &Watched, id: Id, version: Option<String>) -> Vec<ObjectKey> {
        let Some(shown) = self.watches.get_mut(watched) else { return vec![] };
        let empty = BTreeSet::new();
        let all = shown.by_id.get(&id).unwrap_or(&empty).union(&shown.lists).cloned().collect();
        let told = tell(&mut self.owners, &all, watched, |seen| seen.is_news(&id, version.as_deref()));
        if let Some(known) = &mut shown.known {
            match version {
                Some(version) => drop(known.insert(id, version)),
                None => drop(known.remove(&id)),
            }
        }
        told
    }
}

/// Returns those of the owners that wait, and for which something is news; they are told once.
fn tell(
    owners: &mut HashMap<ObjectKey, Owner>,
    all: &BTreeSet<ObjectKey>,
    watched: &Watched,
    is_news: impl Fn(&Seen) -> bool,
) -> Vec<ObjectKey> {
    let mut told = vec![];
    for key in all {
        let Some(owner) = owners.get_mut(key).filter(|owner| owner.state == State::Waiting) else { continue };
        if owner.sights.iter().any(|(of, seen)| of == watched && is_news(seen)) {
            owner.state = State::Told;
            told.push(key.clone());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        ("n".to_owned(), name.to_owned())
    }

    fn watched() -> Watched {
        let kind = ForeignKind {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            plural: "pods".to_owned(),
            is_namespaced: true,
        };
        Watched { kind: Arc::new(kind), namespace: None, labels: None, name: None }
    }

    fn version(version: &str) -> Option<String> {
        Some(version.to_owned())
    }

    #[test]
    fn those_are_told_once_who_have_seen_something_else() {
        let (mut index, here) = (Index::default(), watched());
        let [ada, bob] = ["ada", "bob"].map(|name| ObjectKey::new("Person", "n", name));
        let all = |pods: &[(&str, &str)]| pods.iter().map(|(name, at)| (id(name), (*at).to_owned())).collect();
        index.begin(&ada);
        assert_eq!(index.changed(&here, id("a"), version("3")), [], "nothing watches yet");
        let one = |at: Option<String>| vec![(here.clone(), Seen::One(id("a"), at))];
        assert_eq!(index.end(&ada, one(version("5"))), (false, vec![]));
        let list = Seen::All(Some("n".to_owned()), [(id("a"), "5".to_owned())].into());
        assert_eq!(index.end(&bob, vec![(here.clone(), list)]), (false, vec![]));
        // The watch is late: what it shows is older than what ada has seen.
        assert_eq!(index.changed(&here, id("a"), version("4")), []);
        let listed: HashMap<_, _> = [(id("a"), "5".to_owned())].into();
        assert_eq!(index.listed(&here, listed), []);
        assert_eq!(index.changed(&here, id("other"), version("6")), std::slice::from_ref(&bob), "a list has one more");
        assert_eq!(index.changed(&here, id("a"), version("7")), std::slice::from_ref(&ada), "bob is told already");
        assert_eq!(index.changed(&here, id("a"), version("8")), []);
        // While its step runs nobody is told; at its end it is seen whether there was news.
        index.begin(&ada);
        assert_eq!(index.changed(&here, id("a"), version("9")), []);
        assert_eq!(index.end(&ada, one(version("8"))), (true, vec![]));
        assert_eq!(index.end(&ada, one(version("9"))), (false, vec![]));
        assert_eq!(index.changed(&here, id("a"), None), std::slice::from_ref(&ada));
        assert_eq!(index.end(&ada, one(None)), (false, vec![]));
        assert_eq!(index.listed(&here, all(&[("a", "11")])), std::slice::from_ref(&ada));
        // The last one that leaves ends the watch.
        assert_eq!(index.end(&ada, vec![]), (false, vec![]));
        assert_eq!(index.end(&bob, vec![]), (false, vec![here]));
        assert!(index.owners.is_empty() && index.watches.is_empty());
    }
}
