//! What a server says that it has, and what documents want of it.

use std::fmt;

use crate::v1;

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A sync step.
    SyncStep,
    /// A policy.
    Policy,
    /// A pull step.
    PullStep,
    /// An event step.
    EventStep,
}

impl Kind {
    fn of(kind: v1::Kind) -> Option<Self> {
        match kind {
            v1::Kind::Unspecified => None,
            v1::Kind::SyncStep => Some(Self::SyncStep),
            v1::Kind::Policy => Some(Self::Policy),
            v1::Kind::PullStep => Some(Self::PullStep),
            v1::Kind::EventStep => Some(Self::EventStep),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SyncStep => "sync step",
            Self::Policy => "policy",
            Self::PullStep => "pull step",
            Self::EventStep => "event step",
        })
    }
}

/// A step as a document wants it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// What it is.
    pub kind: Kind,
    /// Its name on the server.
    pub step: String,
    /// The model, where the document names one.
    pub model: Option<String>,
    /// Of a policy: whether it handles deletions.
    pub handles_delete: bool,
}

/// What a server says of itself.
#[derive(Clone)]
pub(crate) struct Described {
    /// Name and version.
    name: String,
    pub(crate) steps: Vec<DescribedStep>,
    pub(crate) max_concurrency: u32,
}

#[derive(Clone)]
pub(crate) struct DescribedStep {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    model: String,
    handles_delete: bool,
    pub(crate) max_concurrency: u32,
}

/// A document that does not fit the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The server has no such step.
    #[error(
        "{server} has no {kind} `{step}`, {others}: correct the document (its `metadata.name`, or `grpc.step`), or \
         start a server that has it"
    )]
    Missing {
        /// The server.
        server: String,
        /// What is missing.
        kind: Kind,
        /// Its name.
        step: String,
        /// What it has instead.
        others: String,
    },
    /// The step is for another model.
    #[error(
        "the {kind} `{step}` of {server} is for {theirs}, and the document says `model: {ours}`: change one of them"
    )]
    Model {
        /// The server.
        server: String,
        /// What it is.
        kind: Kind,
        /// Its name.
        step: String,
        /// The model of the server.
        theirs: String,
        /// The model of the document.
        ours: String,
    },
    /// They do not agree on whether the policy handles deletions.
    #[error("the policy `{step}` of {server} {theirs} deletions: write `handlesDelete: {needed}` into the document")]
    HandlesDelete {
        /// The server.
        server: String,
        /// Its name.
        step: String,
        /// Whether the server's handles them, in words.
        theirs: &'static str,
        /// What the document has to say.
        needed: bool,
    },
}

impl Described {
    /// Reads what a server says. Steps of a kind that is not known here are left out.
    pub(crate) fn of(response: v1::DescribeResponse) -> Self {
        let v1::DescribeResponse { name, version, steps, max_concurrency } = response;
        let step = |step: v1::Step| {
            let kind = Kind::of(step.kind())?;
            let v1::Step { name, model, handles_delete, max_concurrency, .. } = step;
            Some(DescribedStep { kind, name, model, handles_delete, max_concurrency })
        };
        let name = format!("{name} {version}").trim().to_owned();
        Self { name, steps: steps.into_iter().filter_map(step).collect(), max_concurrency }
    }

    /// Returns name and version of the server, and its steps, for the log.
    pub(crate) fn told(&self) -> (&str, Vec<String>) {
        (&self.name, self.steps.iter().map(|step| format!("{} {}", step.kind, step.name)).collect())
    }

    /// Checks that the server, which is told as `server`, has what a document wants.
    pub(crate) fn check(&self, wanted: &Wanted, server: &str) -> Result<(), Mismatch> {
        let Wanted { kind, step, model, handles_delete } = wanted;
        let (server, kind, step) = (server.to_owned(), *kind, step.clone());
        let Some(found) = self.steps.iter().find(|one| one.kind == kind && one.name == step) else {
            let others = self.others(kind);
            return Err(Mismatch::Missing { server, kind, step, others });
        };
        if let Some(ours) = model.as_ref().filter(|ours| !found.model.is_empty() && found.model != **ours) {
            let (theirs, ours) = (found.model.clone(), ours.clone());
            return Err(Mismatch::Model { server, kind, step, theirs, ours });
        }
        if kind == Kind::Policy && found.handles_delete != *handles_delete {
            let needed = found.handles_delete;
            let theirs = if needed { "handles" } else { "does not handle" };
            return Err(Mismatch::HandlesDelete { server, step, theirs, needed });
        }
        Ok(())
    }

    /// Says which steps of a kind there are.
    fn others(&self, kind: Kind) -> String {
        let names: Vec<_> =
            self.steps.iter().filter(|one| one.kind == kind).map(|one| format!("`{}`", one.name)).collect();
        if names.is_empty() { "and no other".to_owned() } else { format!("but {}", names.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(kind: Kind, step: &str, model: &str, handles_delete: bool) -> Wanted {
        Wanted { kind, step: step.to_owned(), model: Some(model.to_owned()), handles_delete }
    }

    #[test]
    fn what_a_document_wants_is_there_or_said_to_be_missing() {
        let step = |kind: v1::Kind, name: &str, model: &str, handles_delete| v1::Step {
            name: name.to_owned(),
            kind: kind.into(),
            model: model.to_owned(),
            handles_delete,
            max_concurrency: 0,
        };
        let steps = vec![
            step(v1::Kind::SyncStep, "person", "Person", false),
            step(v1::Kind::SyncStep, "any", "", false),
            step(v1::Kind::Policy, "accounts", "Person", true),
            v1::Step { kind: 99, ..step(v1::Kind::SyncStep, "new", "", false) },
        ];
        let described = Described::of(v1::DescribeResponse { steps, ..v1::DescribeResponse::default() });
        let check = |wanted: &Wanted| described.check(wanted, "the server").map_err(|error| error.to_string());
        assert_eq!(check(&wanted(Kind::SyncStep, "person", "Person", false)), Ok(()));
        assert_eq!(check(&wanted(Kind::SyncStep, "any", "Team", false)), Ok(()));
        assert_eq!(check(&wanted(Kind::Policy, "accounts", "Person", true)), Ok(()));
        for (wanted, error) in [
            (
                wanted(Kind::SyncStep, "persn", "Person", false),
                "the server has no sync step `persn`, but `person`, `any`: correct the document",
            ),
            (wanted(Kind::PullStep, "person", "Person", false), "the server has no pull step `person`, and no other"),
            (
                wanted(Kind::SyncStep, "person", "Team", false),
                "the sync step `person` of the server is for Person, and the document says `model: Team`",
            ),
            (
                wanted(Kind::Policy, "accounts", "Person", false),
                "the policy `accounts` of the server handles deletions: write `handlesDelete: true`",
            ),
        ] {
            let said = check(&wanted).unwrap_err();
            assert!(said.starts_with(error), "{said}");
        }
        assert_eq!(described.told().1, ["sync step person", "sync step any", "policy accounts"]);
    }
}
