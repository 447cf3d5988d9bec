//! Which models a client knows, by its connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use xos_xproto::ModelSet;

/// The number of connections that are remembered. Those that are not count as up to date.
const MOST: usize = 4096;

/// The models that were told on each connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<HashMap<SocketAddr, Weak<ModelSet>>>>);

impl Connections {
    /// Notes that a client was told of these models.
    pub(super) fn saw(&self, client: Option<SocketAddr>, models: &Arc<ModelSet>) {
        let Some(client) = client else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(client, Arc::downgrade(models));
    }

    /// Returns whether a client was told of other models than these. It is told so once.
    pub(super) fn is_outdated(&self, client: Option<SocketAddr>, models: &Arc<ModelSet>) -> bool {
        let Some(client) = client else { return false };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_outdated = known.get(&client).is_some_and(|told| !std::ptr::eq(told.as_ptr(), Arc::as_ptr(models)));
        if is_outdated {
            known.remove(&client);
        }
        is_outdated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_once_that_the_models_have_changed() {
        let (known, client) = (Connections::default(), Some("127.0.0.1:1".parse().unwrap()));
        let [before, after] = [0; 2].map(|_| Arc::new(ModelSet::default()));
        assert!(!known.is_outdated(client, &after), "it was told of none");
        known.saw(client, &before);
        assert!(!known.is_outdated(client, &before));
        assert!(known.is_outdated(client, &after) && !known.is_outdated(client, &after));
        assert!(!known.is_outdated(None, &after));
    }
}
