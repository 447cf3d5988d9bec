//! What happens to an object, at random.

use proptest::prelude::*;
use xos_model::Pass;

use crate::NAMES;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// An operator's edit, or one that takes it back.
    Edit(u8),
    Touch,
    /// `noSync` or `noPolicy` is switched.
    Switch(Pass),
    /// A quiet save of this pass, with a new generation.
    QuietSave(Pass),
    /// An attempt of a pass by a synchronizer, with its outcome; whether it changes a field of status, and whether it
    /// was made of the object as it was one write ago.
    Attempt {
        by: usize,
        pass: Pass,
        outcome: u8,
        changes: bool,
        is_late: bool,
    },
    /// A synchronizer only writes what it has to say: for the present generation, that it waits, what holds it.
    Acknowledge(usize, bool),
    Wait(usize, Pass, bool),
    Hold(usize, Pass),
    /// A synchronizer that has no pass for the object says that nobody has.
    Idle(usize, bool),
    /// A synchronizer has a pass for the object no more, or has it again.
    Drop(usize, Pass),
}

pub(crate) fn acts() -> impl Strategy<Value = Act> {
    let pass = prop_oneof![Just(Pass::Policy), Just(Pass::Sync)];
    let by = 0..NAMES.len();
    prop_oneof![
        2 => (0u8..3).prop_map(Act::Edit),
        1 => Just(Act::Touch),
        1 => pass.clone().prop_map(Act::Switch),
        2 => pass.clone().prop_map(Act::QuietSave),
        8 => (by.clone(), pass.clone(), 0u8..8, any::<bool>(), any::<bool>()).prop_map(
            |(by, pass, outcome, changes, is_late)| Act::Attempt { by, pass, outcome, changes, is_late }
        ),
        2 => (by.clone(), any::<bool>()).prop_map(|(by, is_late)| Act::Acknowledge(by, is_late)),
        1 => (by.clone(), pass.clone(), any::<bool>()).prop_map(|(by, pass, is_late)| Act::Wait(by, pass, is_late)),
        1 => (by.clone(), pass.clone()).prop_map(|(by, pass)| Act::Hold(by, pass)),
        1 => (by.clone(), any::<bool>()).prop_map(|(by, is_late)| Act::Idle(by, is_late)),
        1 => (by, pass).prop_map(|(by, pass)| Act::Drop(by, pass)),
    ]
}
