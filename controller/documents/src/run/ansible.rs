//! Playbooks of Ansible.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;
use xos_expressions::Values;
use xos_model::Object;
use xos_steps::{Outside, OutsideCommand, OutsideResult, StepContext, StepError};

use super::exec::{Limited, end_of};
use super::set_all;
use crate::compile::{CompiledPlay, CompiledRun, PlaySource, Target};

/// Tells the program what a playbook says.
const CALLBACK: &str = include_str!("xos_result.py");
/// What a playbook says with `set_stats` if it has to be run again later.
const DEFERRED: &str = "xos_deferred";
/// The variables of hosts that are this machine.
const LOCAL: &str = "{ansible_python_interpreter: \"{{ ansible_playbook_python }}\"}";
/// The name of a playbook that is in its document, in test cases.
const INLINE: &str = "inline";
/// How much of what a task says a message tells, in characters.
const TOLD: usize = 500;

/// A playbook that makes something agree with an object.
#[derive(Clone, Debug)]
pub(crate) struct AnsibleDocument {
    pub(crate) play: CompiledPlay,
    pub(crate) run: CompiledRun,
    pub(crate) fields: Vec<Target>,
    pub(crate) delete: Option<CompiledPlay>,
}

/// Why a playbook did not do what it was to do.
#[derive(Debug, thiserror::Error)]
enum AnsibleError {
    /// Its files cannot be written.
    #[error("cannot write the files that ansible-playbook needs (into TMPDIR, or /tmp): {0}")]
    Files(#[from] io::Error),
    /// The host is none.
    #[error("`inventory.host`: `{0}` is no name and no address of a host")]
    Host(String),
    /// A task failed.
    #[error("task `{task}` failed on {host}{more}: {message}")]
    Task { task: String, host: String, more: String, message: String },
    /// It failed without a task that did.
    #[error("ansible-playbook ended with {how}{told}")]
    Failed { how: String, told: String },
}

impl AnsibleDocument {
    pub(crate) async fn sync(&self, ctx: &StepContext, object: &mut Object, values: Values) -> Result<(), StepError> {
        let result = self.run.play(ctx, &self.play, &values).await?;
        // What there is of a playbook that is not done is kept; it may not have everything yet.
        let set = set_all(&self.fields, object, &values.with("result", &result));
        check_done(&result)?;
        Ok(set?)
    }

    pub(crate) async fn delete(&self, ctx: &StepContext, values: Values) -> Result<(), StepError> {
        let Some(play) = &self.delete else { return Ok(()) };
        check_done(&self.run.play(ctx, play, &values).await?)
    }
}

/// Checks that a playbook does not say that it has to be run again later.
fn check_done(result: &Json) -> Result<(), StepError> {
    match result["value"][DEFERRED].as_str() {
        Some(why) => Err(StepError::deferred(why)),
        None => Ok(()),
    }
}

impl CompiledPlay {
    fn variables(&self, values: &Values) -> Result<Json, StepError> {
        match &self.variables {
            Some(variables) => Ok(variables.value(values)?),
            None => Ok(json!({})),
        }
    }
}

impl CompiledRun {
    /// Runs a playbook. Returns what it says: `value` (of `set_stats`), `hosts`, and its output as `text`.
    async fn play(&self, ctx: &StepContext, play: &CompiledPlay, values: &Values) -> Result<Json, StepError> {
        if let Some(outside) = ctx.outside() {
            return self.tried(outside, play, values);
        }
        let folder = tempfile::tempdir().map_err(AnsibleError::Files)?;
        let files = self.prepare(play, values, &folder)?;
        let result = folder.path().join("result.json");
        let path = |path: &Path| path.display().to_string();
        let home = path(folder.path());
        let env = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", home.clone()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("ANSIBLE_HOME", home.clone()),
            ("ANSIBLE_LOCAL_TEMP", home),
            ("ANSIBLE_CALLBACK_PLUGINS", path(&folder.path().join("callback"))),
            ("ANSIBLE_CALLBACKS_ENABLED", "xos_result".to_owned()),
            ("ANSIBLE_NOCOLOR", "1".to_owned()),
            ("XOS_RESULT", path(&result)),
        ];
        let arguments = vec![
            "--inventory".to_owned(),
            path(&files.inventory),
            "--extra-vars".to_owned(),
            format!("@{}", path(&files.variables)),
            path(&files.playbook),
        ];
        let limited = Limited {
            program: &self.program,
            arguments: &arguments,
            env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            folder: files.playbook.parent().map(Path::to_owned),
            input: None,
            timeout: self.timeout,
            memory: self.memory,
        };
        let ran = limited.run().await?;
        let told = fs::read(&result).ok().and_then(|text| serde_json::from_slice::<Json>(&text).ok());
        let told = told.unwrap_or_default();
        let text = String::from_utf8_lossy(&ran.out);
        tracing::debug!(output = &*text, "the playbook has ended");
        if ran.status.success() {
            return Ok(json!({"value": told["value"], "hosts": told["hosts"], "text": text}));
        }
        let output = if ran.told.is_empty() { &ran.out } else { &ran.told };
        let failed = || AnsibleError::Failed { how: ran.status.to_string(), told: end_of(output) };
        Err(task_error(&told["failures"]).unwrap_or_else(failed).into())
    }

    /// Asks what answers in place of the program: for a command with the playbook's name, which reads the host and the
    /// variables, and whose output is what `set_stats` says.
    fn tried(&self, outside: &dyn Outside, play: &CompiledPlay, values: &Values) -> Result<Json, StepError> {
        let name = match &play.source {
            PlaySource::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            PlaySource::Text(_) => INLINE.to_owned(),
        };
        let input = json!({"host": self.host(values)?, "variables": play.variables(values)?});
        let words = vec![self.program.clone(), name];
        let OutsideResult { status, output, error } =
            outside.command(OutsideCommand { words, environment: vec![], input: Some(input) })?;
        if status != 0 {
            let output = if error.is_empty() { &output } else { &error };
            return Err(AnsibleError::Failed { how: format!("exit status: {status}"), told: end_of(output) }.into());
        }
        let value = serde_json::from_slice(&output).unwrap_or_else(|_| json!({}));
        Ok(json!({"value": value, "hosts": {}, "text": String::from_utf8_lossy(&output)}))
    }

    /// Returns the name of the host.
    fn host(&self, values: &Values) -> Result<String, StepError> {
        let host = match &self.inventory.host {
            Some(host) => host.text(values)?,
            None => "localhost".to_owned(),
        };
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
        if host.is_empty() || host.starts_with('-') || !host.chars().all(is_plain) {
            return Err(AnsibleError::Host(host).into());
        }
        Ok(host)
    }

    fn prepare(&self, play: &CompiledPlay, values: &Values, folder: &TempDir) -> Result<Files, StepError> {
        let at = |name: &str| folder.path().join(name);
        write(&at("variables.yaml"), &unsafe_yaml(&play.variables(values)?))?;
        fs::create_dir(at("callback")).map_err(AnsibleError::Files)?;
        write(&at("callback/xos_result.py"), CALLBACK)?;
        let host = self.host(values)?;
        let of_host = self.host_variables(values, &host, folder)?;
        // Here there is the Python that Ansible runs on; elsewhere Ansible looks for one.
        let of_all = if of_host["ansible_connection"] == "local" { LOCAL } else { "{}" };
        let hosts: Map<_, _> = [(host, of_host)].into_iter().collect();
        let hosts = unsafe_yaml(&Json::Object(hosts));
        write(&at("inventory.yaml"), &format!("all: {{vars: {of_all}, hosts: {}}}\n", hosts.trim_end()))?;
        let playbook = match &play.source {
            // Roles and files are looked for beside it.
            PlaySource::File(path) => std::path::absolute(path).map_err(AnsibleError::Files)?,
            PlaySource::Text(text) => {
                let path = at("playbook.yaml");
                write(&path, text)?;
                path
            }
        };
        Ok(Files { inventory: at("inventory.yaml"), variables: at("variables.yaml"), playbook })
    }

    fn host_variables(&self, values: &Values, host: &str, folder: &TempDir) -> Result<Json, StepError> {
        let inventory = &self.inventory;
        let mut all = Map::new();
        if host == "localhost" {
            all.insert("ansible_connection".to_owned(), json!("local"));
        }
        for (name, text) in &inventory.texts {
            let value = text.value(values)?;
            if !value.is_null() {
                all.insert((*name).to_owned(), value);
            }
        }
        if let Some(key) = &inventory.private_key {
            let path = folder.path().join("key");
            let mut text = key.text(values)?;
            if !text.ends_with('\n') {
                text.push('\n');
            }
            write(&path, &text)?;
            all.insert("ansible_ssh_private_key_file".to_owned(), json!(path));
        }
        let known = folder.path().join("known_hosts");
        let check = match &inventory.known_hosts {
            Some(lines) => {
                write(&known, &format!("{}\n", lines.text(values)?))?;
                "yes"
            }
            None => "accept-new",
        };
        let arguments = format!("-o UserKnownHostsFile={} -o StrictHostKeyChecking={check}", known.display());
        all.insert("ansible_ssh_common_args".to_owned(), json!(arguments));
        if let Some(variables) = &inventory.variables
            && let Json::Object(variables) = variables.value(values)?
        {
            all.extend(variables);
        }
        Ok(Json::Object(all))
    }
}

struct Files {
    inventory: PathBuf,
    variables: PathBuf,
    playbook: PathBuf,
}

/// Writes a file that nobody else can read.
fn write(path: &Path, text: &str) -> Result<(), AnsibleError> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Returns a value as YAML whose texts are marked as what they are: Ansible would evaluate them as templates, and what
/// somebody writes into an object must not run commands.
fn unsafe_yaml(value: &Json) -> String {
    let mut text = String::new();
    write_unsafe(value, &mut text);
    text.push('\n');
    text
}

fn write_unsafe(value: &Json, text: &mut String) {
    match value {
        Json::Object(members) => {
            text.push('{');
            for (key, value) in members {
                // Writing into a String does not fail.
                let _written = write!(text, "{}: ", Json::from(key.as_str()));
                write_unsafe(value, text);
                text.push_str(", ");
            }
            text.push('}');
        }
        Json::Array(items) => {
            text.push('[');
            for item in items {
                write_unsafe(item, text);
                text.push_str(", ");
            }
            text.push(']');
        }
        Json::String(_) => drop(write!(text, "!unsafe {value}")),
        other => drop(write!(text, "{other}")),
    }
}

/// Returns what the first task that failed says.
fn task_error(failures: &Json) -> Option<AnsibleError> {
    let all = failures.as_array()?;
    let first = all.first()?;
    let text = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
    let more = if all.len() > 1 { format!(" (and {} more)", all.len() - 1) } else { String::new() };
    let message: String = text("message").chars().take(TOLD).collect();
    Some(AnsibleError::Task { task: text("task"), host: text("host"), more, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_templates_for_ansible() {
        let value = json!({"a \"b\"": "{{ lookup('pipe', 'id') }}", "n": [1, true, null, "x\ny"], "m": {}});
        let expected = "{\"a \\\"b\\\"\": !unsafe \"{{ lookup('pipe', 'id') }}\", \"m\": {}, \
                        \"n\": [1, true, null, !unsafe \"x\\ny\", ], }\n";
        assert_eq!(unsafe_yaml(&value), expected);
    }

    #[test]
    fn the_first_task_that_failed_is_told() {
        let failure = |task: &str| json!({"task": task, "host": "h", "message": "no"});
        let told = task_error(&json!([failure("a"), failure("b")])).unwrap().to_string();
        assert_eq!(told, "task `a` failed on h (and 1 more): no");
        assert!(task_error(&json!([])).is_none() && task_error(&Json::Null).is_none());
    }
}
