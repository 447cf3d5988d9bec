//! Who calls, and how an object is to be saved.

use tonic::metadata::MetadataMap;
use xos_model::Pass;
use xos_steps::Saver;

use crate::gate::Login;

/// A caller that the [`Gate`](crate::Gate) has let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: String,
    /// Whether the user may do all that the API can, whatever the models' access policies say.
    pub is_administrator: bool,
    /// Whether a synchronizer calls: what it saves is not taken for an operator's change.
    pub is_synchronizer: bool,
    /// Whether a sync step saves.
    pub is_sync_save: bool,
    /// Whether a policy saves.
    pub is_policy_save: bool,
    /// Whether the object becomes due for its steps even if nothing changes.
    pub always_update_timestamp: bool,
    /// The fields that are written; none: all that are given.
    pub update_fields: Option<Vec<String>>,
}

impl Caller {
    /// Reads what a request says beside its message. A flag counts if it is there, whatever its value.
    pub(crate) fn of(login: Login, metadata: &MetadataMap) -> Self {
        let text = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok());
        let names =
            |text: &str| text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self {
            user: login.name,
            is_administrator: login.is_administrator,
            is_synchronizer: text("caller_kind") == Some("synchronizer"),
            is_sync_save: metadata.contains_key("is_sync_save"),
            is_policy_save: metadata.contains_key("is_policy_save"),
            always_update_timestamp: metadata.contains_key("always_update_timestamp"),
            update_fields: text("update_fields").map(names),
        }
    }

    /// Returns in whose name it saves.
    pub(crate) fn saver(&self) -> Saver {
        let pass = match (self.is_sync_save, self.is_policy_save) {
            (true, _) => Pass::Sync,
            (_, true) => Pass::Policy,
            _ => Pass::Pull,
        };
        if self.is_synchronizer { Saver::client(&self.user, pass) } else { Saver::operator(&self.user) }
    }
}
