//! What policies do.

use xos_expressions::{Scope, Template, Type};
use xos_yaml::{Node, Value};

use super::Compiler;
use crate::kinds::{Action, Apply, ForEach};
use crate::problem::Problem;
use crate::run::{CompiledAction, CompiledApply, What};

/// The name of an item of a list, if the document says none.
const ITEM: &str = "item";

impl Compiler<'_> {
    pub(super) fn actions(
        &mut self,
        node: Option<&Node>,
        actions: &[Action],
        scope: &Scope<'_>,
    ) -> Option<Vec<CompiledAction>> {
        let Some(Node { value: Value::List(nodes), .. }) = node else { return Some(vec![]) };
        let all: Vec<_> = nodes.iter().zip(actions).map(|(node, action)| self.action(node, action, scope)).collect();
        all.into_iter().collect()
    }

    fn action(&mut self, node: &Node, action: &Action, scope: &Scope<'_>) -> Option<CompiledAction> {
        let mut scope = scope.clone();
        let mut each = Some(None);
        if let (Some(for_each), Some(at)) = (&action.for_each, node.at("forEach")) {
            (each, scope) = self.each(at, for_each, scope);
        }
        let when = self.condition(node.at("when"), &scope);
        let found = [action.apply.is_some(), action.touch.is_some(), action.delete.is_some()];
        let found = found.into_iter().filter(|is_there| *is_there).count();
        if found != 1 {
            let problem = Problem::OneOf { what: "an action".to_owned(), keys: "`apply`, `touch` and `delete`", found };
            self.report.push(problem, &node.place);
            return None;
        }
        let what = if let (Some(apply), Some(at)) = (&action.apply, node.at("apply")) {
            self.apply(at, apply, &scope).map(What::Apply)
        } else if action.touch.is_some() {
            self.objects(node, "touch", &scope).map(What::Touch)
        } else {
            self.objects(node, "delete", &scope).map(What::Delete)
        };
        Some(CompiledAction { each: each?, when: when?, what: what? })
    }

    /// Reads a list. Returns it, with the name of an item, and the names that expressions may use for each item.
    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    pub(super) fn each<'s>(
        &mut self,
        node: &Node,
        spec: &ForEach,
        scope: Scope<'s>,
    ) -> (Option<Option<(Template, String)>>, Scope<'s>) {
        let list = self.template_at(node, "in", &scope, &Type::list(Type::Any));
        let item = match list.as_ref().map(Template::of) {
            Some(Type::List(item)) => item.as_ref().clone(),
            _ => Type::Any,
        };
        let name = spec.name.clone().unwrap_or_else(|| ITEM.to_owned());
        let scope = scope.with(&name, item);
        (list.map(|list| Some((list, name))), scope)
    }

    fn apply(&mut self, node: &Node, apply: &Apply, scope: &Scope<'_>) -> Option<Box<CompiledApply>> {
        let model = self.model(node, "model");
        let name = match node.at("name") {
            Some(_) => self.template_at(node, "name", scope, &Type::Text).map(Some),
            None => Some(None),
        };
        let fields = self.fields(node.at("fields"), model, scope);
        let found = usize::from(apply.name.is_some()) + usize::from(!apply.key.is_empty());
        if found != 1 {
            let problem = Problem::OneOf { what: "`apply`".to_owned(), keys: "`name` and `key`", found };
            self.report.push(problem, &node.place);
            return None;
        }
        self.check_key(node.at("key"), &apply.key, fields.as_deref());
        Some(Box::new(CompiledApply {
            model: model?.name.clone(),
            name: name?,
            key: apply.key.clone(),
            fields: fields?,
        }))
    }

    /// Reads an expression for an object, or for a list of them.
    fn objects(&mut self, node: &Node, key: &str, scope: &Scope<'_>) -> Option<xos_expressions::Expression> {
        let at = node.at(key)?;
        let template = self.template(at, scope, &Type::Any)?;
        let of = template.of();
        let is_object = |of: &Type| matches!(of, Type::Object(_) | Type::Any | Type::Null | Type::Nothing);
        let fits = match &of {
            Type::List(item) => is_object(item),
            of => is_object(of),
        };
        match template.expression() {
            Some(expression) if fits => Some(expression.clone()),
            _ => {
                let message = format!("`{key}` needs an object or a list of objects, and this is of type {of}");
                self.report.push(Problem::Expression { message, mend: None }, &at.place);
                None
            }
        }
    }
}
