//! What a worker is to do.

use std::sync::Arc;

use xos_model::accept::Refusal;
use xos_model::brake::DELETION_HELD;
use xos_model::dirty::Switch;
use xos_model::record::{Duties, Wait};
use xos_model::{Object, Operation, Pass, Reference};
use xos_steps::Event;

use crate::registry::Entry;
use crate::workers::{Need, Needs};

/// What a worker is to do with an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Job {
    /// Read the object: is it known as it is?
    Confirm,
    /// Run policies, or the step, or both, with a new decision in between.
    Reconcile { policy: Option<Operation>, sync: bool },
    /// Run the step of a clean object: nothing is written where nothing changed.
    Resync,
    /// Run what is due on deletion, and let the object go.
    Delete { policy: bool, sync: bool },
    /// Ask for the deletion of the objects that cascade.
    Cascade(Vec<Arc<Object>>),
    /// Set the finalizers.
    EnsureFinalizers,
    /// Set the link of this name, the owner, which the operator left out.
    SetOwner(String, Reference),
    /// Let status speak of the present generation.
    Acknowledge,
    /// Let status remember that the object is deleted without those that lead to it.
    NoteLeavesOthers,
    /// Let status say which switch holds the object back.
    ReportSwitch(Switch),
    /// Let status say that no synchronizer has anything to do with the object.
    ReportIdle,
    /// Let status say what the object waits for.
    ReportWait(Wait),
    /// Let status say that the target of a pass is away.
    ReportAway(Pass, Arc<str>),
    /// Let status say why the object is not accepted, so that this pass does not run, and whether its step may have been
    /// tried with an earlier spec, of which nothing is recorded.
    ReportRefusal(Pass, Refusal, bool),
    /// Let status say which synchronizer is missed, that holds a deleted object; or that none is missed any more.
    ReportAbandoned(Option<String>),
    /// Take an object out of the backend that is not accepted: run what is due on deletion, and keep the object.
    Withdraw {
        /// The policies' delete handlers.
        policy: bool,
        /// The delete step.
        sync: bool,
        /// Why it is not accepted.
        refusal: Refusal,
    },
    /// Let status say that the object is accepted again, before this pass runs.
    ReportAccepted(Pass),
    /// Let status say that the step is to run again, before others are taken out of the backend.
    Reopen,
    /// Write what policies left in status.
    WriteStatus,
}

impl Job {
    /// Returns the name for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reconcile { policy: Some(_), .. } => "policy",
            Self::Reconcile { policy: None, .. } => "sync",
            Self::Resync => "resync",
            Self::Delete { .. } => "delete",
            Self::Cascade(_) => "cascade",
            Self::EnsureFinalizers => "finalizers",
            Self::Withdraw { .. } => "withdraw",
            Self::SetOwner(..) => "owner",
            Self::Acknowledge
            | Self::NoteLeavesOthers
            | Self::ReportSwitch(_)
            | Self::ReportIdle
            | Self::ReportWait(_)
            | Self::ReportAway(..)
            | Self::ReportRefusal(..)
            | Self::ReportAbandoned(_)
            | Self::ReportAccepted(_)
            | Self::Reopen
            | Self::WriteStatus => "status",
        }
    }

    /// Returns whether it calls the sync step.
    pub(crate) fn runs_step(&self) -> bool {
        matches!(
            self,
            Self::Reconcile { policy: None, sync: true }
                | Self::Resync
                | Self::Delete { sync: true, .. }
                | Self::Withdraw { sync: true, .. }
        )
    }

    /// Returns whether it calls policies.
    pub(crate) fn runs_policies(&self) -> bool {
        matches!(
            self,
            Self::Reconcile { policy: Some(_), .. }
                | Self::Delete { policy: true, .. }
                | Self::Withdraw { policy: true, .. }
        )
    }

    /// Returns the places that it needs, for the author's code that it runs.
    pub(crate) fn needs(&self, entry: &Entry) -> Needs {
        let policies = entry.policy_lane.as_ref().filter(|_| self.runs_policies());
        let step = entry.step_lane.as_ref().filter(|_| self.runs_step());
        let limit = step.and(entry.step.as_ref()).and_then(|step| step.concurrency());
        let need = |lane: &Arc<str>, limit, pass| Need { lane: Arc::clone(lane), limit, pass };
        [policies.map(|lane| need(lane, None, Pass::Policy)), step.map(|lane| need(lane, limit, Pass::Sync))]
    }

    /// Returns the pass that it attempts on a live object.
    pub(crate) fn attempts(&self) -> Option<Pass> {
        match self {
            Self::Reconcile { policy: Some(_), .. } => Some(Pass::Policy),
            Self::Reconcile { policy: None, .. } | Self::Resync | Self::Withdraw { .. } => Some(Pass::Sync),
            _ => None,
        }
    }

    /// Returns the pass whose condition says that a write of the job is refused: the step's, unless only policies are to
    /// run.
    pub(crate) fn told_in(&self, duties: Duties) -> Pass {
        match self {
            Self::Reconcile { policy: Some(_), sync: false } => Pass::Policy,
            _ if duties.policy && !duties.sync => Pass::Policy,
            _ => Pass::Sync,
        }
    }

    /// Returns the Kubernetes Event of an object that waits or is not accepted.
    pub(crate) fn event(&self) -> Option<Event> {
        match self {
            Self::ReportWait(wait) if wait.reason == DELETION_HELD => {
                Some(Event::warning(wait.reason, wait.message.as_str()).of("Delete"))
            }
            Self::ReportWait(wait) => Some(Event::normal(wait.reason, wait.message.as_str()).of("Wait")),
            Self::ReportRefusal(_, refusal, _) | Self::Withdraw { refusal, .. } => {
                Some(Event::warning(refusal.reason, refusal.message.as_str()).of("Accept"))
            }
            Self::ReportAbandoned(Some(message)) => {
                Some(Event::warning("SynchronizerMissing", message.as_str()).of("Delete"))
            }
            _ => None,
        }
    }
}
