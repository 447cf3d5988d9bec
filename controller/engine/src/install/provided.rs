//! Waiting for definitions that somebody else applies. It needs no right: what is served is told to everybody.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as Definition;
use kube::{Client, ResourceExt as _};
use tokio::time::sleep;
use xos_crds::names::VERSION;

/// The first pause between two looks; each is twice as long as the one before it, up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits until the API server serves all definitions. Says what is missing.
pub async fn served(client: &Client, definitions: &[Definition]) {
    let mut pause = PAUSE;
    let mut told = vec![];
    loop {
        let missing = missing(client, definitions).await;
        if missing.is_empty() {
            return;
        }
        if missing != told {
            tracing::warn!(
                missing = missing.join(", "),
                "waiting for custom resource definitions, which somebody else applies (`definitions: provided`): \
                 `crds` prints them"
            );
            told = missing;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

async fn missing(client: &Client, definitions: &[Definition]) -> Vec<String> {
    let groups: BTreeSet<_> = definitions.iter().map(|definition| definition.spec.group.as_str()).collect();
    let mut known = BTreeSet::new();
    for group in groups {
        match client.list_api_group_resources(&format!("{group}/{VERSION}")).await {
            Ok(list) => known.extend(list.resources.iter().map(|resource| format!("{}.{group}", resource.name))),
            // Of a group that is not there it says so in plain text.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => tracing::warn!(group, %error, "cannot read what the API server serves"),
        }
    }
    definitions.iter().map(Definition::name_any).filter(|name| !known.contains(name)).collect()
}
