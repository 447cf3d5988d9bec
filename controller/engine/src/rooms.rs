//! How many objects each step may handle at once.

use std::collections::{HashMap, VecDeque};

use xos_model::ObjectKey;

use crate::registry::Entry;

/// The steps with a limit of their own: how many objects each has, and who waits for room.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: HashMap<String, Room>,
    /// Who was called in and has not come yet, with the step.
    called: HashMap<ObjectKey, String>,
}

#[derive(Debug, Default)]
struct Room {
    inside: usize,
    outside: VecDeque<ObjectKey>,
}

impl Rooms {
    /// Whether the step of a model has room for one more.
    pub(crate) fn has_room(&self, entry: &Entry) -> bool {
        let Some(step) = &entry.step else { return true };
        let inside = self.rooms.get(step.name()).map_or(0, |room| room.inside);
        step.concurrency().is_none_or(|limit| inside < limit.max(1))
    }

    /// An object goes in, if there is room; else it waits until [`Rooms::leave`] gives it out.
    pub(crate) fn enter(&mut self, entry: &Entry, key: &ObjectKey) -> bool {
        let has_room = self.has_room(entry);
        let Some(step) = &entry.step else { return true };
        self.called.remove(key);
        let room = self.rooms.entry(step.name().to_owned()).or_default();
        if has_room {
            room.inside += 1;
        } else {
            room.outside.push_back(key.clone());
        }
        has_room
    }

    /// One went out; gives the one who has waited longest.
    pub(crate) fn leave(&mut self, step: &str) -> Option<ObjectKey> {
        let room = self.rooms.get_mut(step)?;
        room.inside = room.inside.saturating_sub(1);
        self.call(step)
    }

    /// Called after an object was looked at: if it was called in and had no use for the room, the next one is called.
    pub(crate) fn looked_at(&mut self, key: &ObjectKey) -> Option<ObjectKey> {
        let step = self.called.remove(key)?;
        self.call(&step)
    }

    fn call(&mut self, step: &str) -> Option<ObjectKey> {
        let next = self.rooms.get_mut(step)?.outside.pop_front()?;
        self.called.insert(next.clone(), step.to_owned());
        Some(next)
    }
}
