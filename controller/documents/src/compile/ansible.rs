//! Playbooks of Ansible.

use std::path::{Path, PathBuf};
use std::time::Duration;

use xos_expressions::{Scope, Template, Type};
use xos_xproto::Model;
use xos_yaml::{File, Node, Place, Value, parse_all};

use super::exec::with_result;
use super::{Compiler, Tree};
use crate::kinds::{AnsibleDelete, AnsibleSync, Playbook, parse_duration};
use crate::problem::Problem;
use crate::run::AnsibleDocument;

/// How long a playbook may take, if the document does not say it.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How much memory it may use, in MiB, if the document does not say it.
const MEMORY: u64 = 1024;
/// The program.
const PROGRAM: &str = "ansible-playbook";

/// A playbook with its variables.
#[derive(Clone, Debug)]
pub(crate) struct CompiledPlay {
    pub(crate) source: PlaySource,
    pub(crate) variables: Option<Tree>,
}

/// Where a playbook is.
#[derive(Clone, Debug)]
pub(crate) enum PlaySource {
    File(PathBuf),
    Text(String),
}

/// How a playbook is run.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRun {
    pub(crate) program: String,
    pub(crate) inventory: CompiledInventory,
    pub(crate) timeout: Duration,
    /// In bytes.
    pub(crate) memory: u64,
}

/// Where a playbook runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompiledInventory {
    pub(crate) host: Option<Template>,
    pub(crate) private_key: Option<Template>,
    pub(crate) known_hosts: Option<Template>,
    /// Variables of Ansible, by their names.
    pub(crate) texts: Vec<(&'static str, Template)>,
    pub(crate) variables: Option<Tree>,
}

impl Compiler<'_> {
    pub(super) fn ansible_sync(
        &mut self,
        node: &Node,
        spec: &AnsibleSync,
        model: Option<&Model>,
        scope: &Scope<'_>,
    ) -> Option<AnsibleDocument> {
        let play = self.play(node, &spec.play, scope);
        let inventory = match node.at("inventory") {
            Some(at) => self.inventory(at, scope),
            None => Some(CompiledInventory::default()),
        };
        self.check_constant(node, "program");
        let fields = self.fields(node.at("fields"), model, &with_result(scope.clone()));
        let delete = match (&spec.delete, node.at("delete")) {
            (AnsibleDelete::Playbook(playbook), Some(at)) => self.play(at, playbook, scope).map(Some),
            _ => Some(None),
        };
        let run = CompiledRun {
            program: spec.program.clone().unwrap_or_else(|| PROGRAM.to_owned()),
            inventory: inventory?,
            timeout: spec.timeout.as_deref().and_then(parse_duration).unwrap_or(TIMEOUT),
            memory: spec.memory.unwrap_or(MEMORY) << 20,
        };
        Some(AnsibleDocument { play: play?, run, fields: fields?, delete: delete? })
    }

    fn play(&mut self, node: &Node, spec: &Playbook, scope: &Scope<'_>) -> Option<CompiledPlay> {
        let variables = self.value_at(node, "variables", scope);
        let source = match (&spec.playbook, &spec.inline, node.at("playbook").or_else(|| node.at("inline"))) {
            (Some(path), None, Some(at)) => self.playbook_file(path, &at.place),
            (None, Some(text), Some(at)) => {
                self.check_playbook("the playbook", text, &at.place).then(|| PlaySource::Text(text.clone()))
            }
            (playbook, inline, _) => {
                let found = usize::from(playbook.is_some()) + usize::from(inline.is_some());
                let keys = "`playbook` and `inline`";
                self.report.push(Problem::OneOf { what: "a playbook".to_owned(), keys, found }, &node.place);
                None
            }
        };
        Some(CompiledPlay { source: source?, variables: variables? })
    }

    /// Returns the file of a playbook, relative to that of the document.
    fn playbook_file(&mut self, path: &str, place: &Place) -> Option<PlaySource> {
        if path.contains("${") {
            self.report.push(Problem::NotConstant { key: "playbook".to_owned() }, place);
            return None;
        }
        let folder = match place {
            Place::File { file, .. } => self.files.get(*file).and_then(|file| file.path.parent()),
            _ => None,
        };
        let path = folder.unwrap_or(Path::new("")).join(path);
        let what = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => self.check_playbook(&what, &text, place).then_some(PlaySource::File(path)),
            Err(error) => {
                self.report.push(Problem::Playbook { what, why: error.to_string() }, place);
                None
            }
        }
    }

    /// Notes what is no playbook: it is a list of plays, each a map.
    fn check_playbook(&mut self, what: &str, text: &str, place: &Place) -> bool {
        let mut file = File { path: what.into(), text: text.to_owned(), secrets: vec![] };
        let is_play = |node: &Node| matches!(node.value, Value::Map(_));
        let why = match parse_all(&mut file, 0) {
            Err(error) => error.message,
            Ok(nodes) => match nodes.first().map(|node| &node.value) {
                Some(Value::List(plays)) if !plays.is_empty() && plays.iter().all(is_play) => return true,
                _ => "it should be a list of plays".to_owned(),
            },
        };
        self.report.push(Problem::Playbook { what: what.to_owned(), why }, place);
        false
    }

    fn inventory(&mut self, node: &Node, scope: &Scope<'_>) -> Option<CompiledInventory> {
        let mut text = |key: &str| node.at(key).map_or(Some(None), |at| self.template(at, scope, &Type::Any).map(Some));
        let [host, key, known] = ["host", "privateKey", "knownHosts"].map(&mut text);
        let named = [("port", "ansible_port"), ("user", "ansible_user"), ("connection", "ansible_connection")];
        let texts = named.map(|(key, name)| text(key).map(|text| text.map(|text| (name, text))));
        let texts: Option<Vec<_>> = texts.into_iter().collect();
        let variables = self.value_at(node, "variables", scope);
        Some(CompiledInventory {
            host: host?,
            private_key: key?,
            known_hosts: known?,
            texts: texts?.into_iter().flatten().collect(),
            variables: variables?,
        })
    }
}
