//! Playbooks of Ansible.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FieldValues, Nothing, duration, fields};

/// A playbook that makes something agree with an object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnsibleSync {
    /// The playbook, and its variables.
    #[serde(flatten)]
    pub play: Playbook,
    /// Where it runs; by default on the machine of the program.
    pub inventory: Option<Inventory>,
    /// The path of `ansible-playbook`; by default it is looked for in `PATH`. No expression.
    pub program: Option<String>,
    /// How long it may take; 5 min by default. Then it is killed, with all that it has started.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub timeout: Option<String>,
    /// How much memory it may use, in MiB; 1024 by default.
    pub memory: Option<u64>,
    /// Fields that are set from what it says with `set_stats`: `${result.value.id}`.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
    /// How it is undone when the object is deleted.
    pub delete: AnsibleDelete,
}

/// A playbook, and its variables. There is exactly one of `playbook` and `inline`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Playbook {
    /// Its file, relative to that of the document. No expression.
    pub playbook: Option<String>,
    /// Its text. It has no expressions of ours: what it needs of the object are its variables.
    pub inline: Option<String>,
    /// Its variables. Ansible does not evaluate their values as templates.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub variables: BTreeMap<String, Value>,
}

/// The host on which a playbook runs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Its name or address; by default `localhost`.
    pub host: Option<String>,
    /// The port.
    pub port: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The private key for SSH.
    pub private_key: Option<String>,
    /// Lines of a file `known_hosts`; without them any key of the host is accepted.
    pub known_hosts: Option<String>,
    /// How Ansible gets there: by default `ssh`, and `local` on `localhost`.
    pub connection: Option<String>,
    /// More variables of the host: `ansible_become: true`.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub variables: BTreeMap<String, Value>,
}

/// How something is undone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AnsibleDelete {
    /// Not at all: `nothing`.
    Word(Nothing),
    /// By a playbook, on the same host.
    Playbook(Playbook),
}
