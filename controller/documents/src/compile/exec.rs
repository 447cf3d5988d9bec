//! Commands.

use std::time::Duration;

use xos_expressions::{Scope, Template, Type};
use xos_xproto::Model;
use xos_yaml::{Node, Value};

use super::{Compiler, Tree};
use crate::kinds::{Command, ExecDelete, ExecSync, parse_duration};
use crate::run::ExecDocument;

/// How long a command may take, if the document does not say it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How much memory it may use, in MiB, if the document does not say it.
const MEMORY: u64 = 512;

/// A command.
#[derive(Clone, Debug)]
pub(crate) struct CompiledCommand {
    pub(crate) words: Vec<Template>,
    pub(crate) input: Option<Tree>,
    pub(crate) env: Vec<(String, Template)>,
    pub(crate) timeout: Duration,
    /// In bytes.
    pub(crate) memory: u64,
}

/// Returns the names that expressions may use after a command.
pub(super) fn with_result(scope: Scope<'_>) -> Scope<'_> {
    scope.with("result", Type::record("result", [("value", Type::Any), ("text", Type::Text)]))
}

impl Compiler<'_> {
    pub(super) fn exec_sync(
        &mut self,
        node: &Node,
        spec: &ExecSync,
        model: Option<&Model>,
        scope: &Scope<'_>,
    ) -> Option<ExecDocument> {
        let command = self.command(node, &spec.command, scope);
        let fields = self.fields(node.at("fields"), model, &with_result(scope.clone()));
        let delete = match (&spec.delete, node.at("delete")) {
            (ExecDelete::Command(command), Some(at)) => self.command(at, command, scope).map(Some),
            _ => Some(None),
        };
        Some(ExecDocument { command: command?, fields: fields?, delete: delete? })
    }

    pub(super) fn command(&mut self, node: &Node, spec: &Command, scope: &Scope<'_>) -> Option<CompiledCommand> {
        let words: Vec<_> = match node.at("command").map(|at| &at.value) {
            Some(Value::List(words)) => words.iter().map(|word| self.text(word, scope)).collect(),
            _ => vec![],
        };
        let input = self.value_at(node, "input", scope);
        let env = self.texts(node.at("env"), scope);
        Some(CompiledCommand {
            words: words.into_iter().collect::<Option<_>>()?,
            input: input?,
            env: env?,
            timeout: spec.timeout.as_deref().and_then(parse_duration).unwrap_or(TIMEOUT),
            memory: spec.memory.unwrap_or(MEMORY) << 20,
        })
    }
}
