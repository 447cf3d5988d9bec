//! What happens to the example, and when.

use std::time::Duration;

/// How long all of it takes.
pub(crate) const TIME: Duration = Duration::from_secs(90);
/// How many people come at once.
pub(super) const CROWD: u32 = 150;

/// Something that an operator, the backend or somebody on the event bus does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A person is created.
    Create(u32),
    /// A person is changed.
    Change(u32),
    /// Many people are created at once.
    Crowd,
    /// They are deleted.
    CrowdLeaves,
    /// People are created whose team does not exist.
    Early,
    /// The team is created.
    Team,
    /// People sign in at the directory's own desk.
    SignIn,
    /// All of them leave at once, which a pull step holds.
    SignOut,
    /// Their deletion is confirmed.
    Confirm,
    /// The directory answers writes with an error.
    Refuse,
    /// It accepts them again.
    Accept,
    /// The directory is stopped.
    Close,
    /// It is started again.
    Open,
    /// Messages are sent, starting with this number.
    Messages { first: u32, count: u32 },
    /// A message is sent that is parked.
    BadMessage,
}

/// Returns what happens, in order, with the time since the begin.
pub(super) fn plan() -> Vec<(Duration, Deed)> {
    let at = |half_seconds: u32| Duration::from_millis(500) * half_seconds;
    let seconds = |seconds: u32| at(2 * seconds);
    let created = (10..80).map(|half| (at(half), Deed::Create(half - 10)));
    let changed = (40..176).map(|half| (at(half), Deed::Change((half * 7) % 20)));
    let messages = (6..88).map(|second| (seconds(second), Deed::Messages { first: second, count: 1 }));
    let once = [
        (8, Deed::SignIn),
        (10, Deed::Early),
        (14, Deed::Crowd),
        (26, Deed::Refuse),
        (31, Deed::Accept),
        (38, Deed::Team),
        (46, Deed::Close),
        (55, Deed::BadMessage),
        (62, Deed::Open),
        (70, Deed::Messages { first: 0, count: 500 }),
        (72, Deed::SignOut),
        (80, Deed::CrowdLeaves),
        (85, Deed::Confirm),
    ];
    let once = once.into_iter().map(|(second, deed)| (seconds(second), deed));
    let mut all: Vec<_> = created.chain(changed).chain(messages).chain(once).collect();
    all.sort_by_key(|(time, _)| *time);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(wanted: Deed) -> usize {
        plan().iter().position(|(_, deed)| *deed == wanted).unwrap()
    }

    #[test]
    fn all_is_in_order_and_in_time() {
        let plan = plan();
        assert!(plan.is_sorted_by_key(|(time, _)| *time));
        assert!(plan.iter().all(|(time, _)| *time < TIME));
    }

    #[test]
    fn what_goes_comes_back() {
        assert!(position(Deed::Close) < position(Deed::Open));
        assert!(position(Deed::Refuse) < position(Deed::Accept));
        assert!(position(Deed::Early) < position(Deed::Team));
        assert!(position(Deed::SignIn) < position(Deed::SignOut));
        assert!(position(Deed::SignOut) < position(Deed::Confirm));
        assert!(position(Deed::Crowd) < position(Deed::CrowdLeaves));
    }

    #[test]
    fn only_who_is_there_is_changed() {
        for (at, (_, deed)) in plan().iter().enumerate() {
            if let Deed::Change(number) = deed {
                assert!(position(Deed::Create(*number)) < at, "{number}");
            }
        }
    }
}
