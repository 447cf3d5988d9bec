//! The condition of a deleted object that is held by a synchronizer that is not there.

use jiff::Timestamp;

use crate::condition::{self, ABANDONED, ConditionStatus, News};
use crate::names::DOMAIN;
use crate::object::Object;

/// Returns the object with the condition `<synchronizer>.xos.opencord.org/Abandoned` that says who is missed, or without
/// it. The synchronizer is the one that says so.
pub fn abandoned(object: &Object, synchronizer: &str, message: Option<&str>, now: Timestamp) -> Object {
    let mut new = object.clone();
    let kind = format!("{synchronizer}.{DOMAIN}/{ABANDONED}");
    match message {
        None => condition::clear(&mut new.status.conditions, &kind),
        Some(message) => {
            let news = News { kind: &kind, status: ConditionStatus::True, reason: "SynchronizerMissing", message };
            let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
            condition::set(&mut new.status.conditions, &news, object.meta.generation, now);
        }
    }
    new
}
