//! Takes ids from the sequences that all processes share.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::Mutex;
use xos_xproto::ModelSet;

use super::SharedIds;

/// The name of the ConfigMap that has the sequences: for each root class the first id that nobody has taken.
pub const NAME: &str = "xos-ids";
/// How many ids are taken at once. Those that a process does not use until it ends are lost.
const BLOCK: i32 = 100;
/// How often a block is tried to take while others take theirs.
const TRIES: usize = 50;

/// Why there is no id.
#[derive(Debug, thiserror::Error)]
pub enum IdError {
    /// The object with the sequences cannot be read or written.
    #[error("the ids in ConfigMap {namespace}/{NAME} cannot be taken: {source}")]
    Api {
        /// Where it is.
        namespace: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// The object with the sequences has no number.
    #[error("ConfigMap {namespace}/{NAME} says `{value}` for {class}, which is no id: write the next free one there")]
    Unreadable {
        /// Where it is.
        namespace: String,
        /// The class.
        class: String,
        /// What is there.
        value: String,
    },
    /// Others are always faster.
    #[error("the ids in ConfigMap {0}/{NAME} are taken by others all the time")]
    Busy(String),
    /// There are no more.
    #[error("all ids of {0} are used")]
    Exhausted(String),
}

/// The sequences of ids. Clones would take blocks of their own: share one.
pub struct Sequences {
    client: Client,
    namespace: String,
    /// What is left of the block of each class.
    blocks: Mutex<HashMap<String, Range<i32>>>,
}

impl fmt::Debug for Sequences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequences").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Sequences {
    /// Returns the sequences in a namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), blocks: Mutex::default() }
    }

    /// Returns an id that no object of the class has, and none will get. Objects may have been restored with ids that no
    /// sequence knows: those that `ids` has are left out.
    ///
    /// # Errors
    /// When the cluster cannot be reached, or has no sequence that can be read.
    pub async fn next(&self, models: &ModelSet, class: &str, ids: &SharedIds) -> Result<i32, IdError> {
        // While a block is taken, others wait for it, and do not take more.
        let mut blocks = self.blocks.lock().await;
        let block = blocks.entry(class.to_owned()).or_default();
        loop {
            if let Some(id) = block.find(|&id| ids.get(models, class, id).is_none()) {
                return Ok(id);
            }
            *block = self.take(class, ids.greatest(models, class)).await?;
        }
    }

    /// Takes a block: who writes the object as it was read has it.
    async fn take(&self, class: &str, known: i32) -> Result<Range<i32>, IdError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let failed = |source| IdError::Api { namespace: self.namespace.clone(), source: Box::new(source) };
        for _ in 0..TRIES {
            let there = api.get_opt(NAME).await.map_err(failed)?;
            let said = there.as_ref().and_then(|there| there.data.as_ref()?.get(class));
            let free = match said.map(|said| said.parse::<i32>()) {
                None => 1,
                Some(Ok(free)) => free,
                Some(Err(_)) => {
                    let (namespace, class) = (self.namespace.clone(), class.to_owned());
                    return Err(IdError::Unreadable { namespace, class, value: said.cloned().unwrap_or_default() });
                }
            };
            let start = free.max(known.saturating_add(1));
            let end = start.checked_add(BLOCK).ok_or_else(|| IdError::Exhausted(class.to_owned()))?;
            let written = match there {
                Some(mut there) => {
                    there.data.get_or_insert_default().insert(class.to_owned(), end.to_string());
                    api.replace(NAME, &PostParams::default(), &there).await
                }
                None => api.create(&PostParams::default(), &first(class, end)).await,
            };
            match written {
                Ok(_) => return Ok(start..end),
                // Another process was faster.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(IdError::Busy(self.namespace.clone()))
    }
}

fn first(class: &str, end: i32) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some(BTreeMap::from([(class.to_owned(), end.to_string())])), ..ConfigMap::default() }
}
