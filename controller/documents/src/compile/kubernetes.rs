//! Objects of Kubernetes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use xos_expressions::{Scope, Template, Type};
use xos_steps::{Access, ForeignKind};
use xos_xproto::Model;
use xos_yaml::{Node, Place, Value};

use super::{Compiler, Tree};
use crate::kinds::{ApplyObject, ForeignSource, KubernetesSync, ReadObject};
use crate::problem::Problem;
use crate::read::entries;
use crate::run::KubernetesDocument;

/// What a step reads of others.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRead {
    /// Its name in expressions.
    pub(crate) name: String,
    pub(crate) source: CompiledSource,
    pub(crate) by: By,
    pub(crate) optional: bool,
}

/// Which kind of objects, and where they are.
#[derive(Clone, Debug)]
pub(crate) struct CompiledSource {
    pub(crate) kind: Arc<ForeignKind>,
    pub(crate) namespace: Option<Template>,
}

/// Which objects are read.
#[derive(Clone, Debug)]
pub(crate) enum By {
    Name(Template),
    /// All, or those that a label selector selects.
    Selector(Option<Template>),
}

/// Objects that a step makes.
#[derive(Clone, Debug)]
pub(crate) struct CompiledObject {
    /// The name in expressions.
    pub(crate) id: String,
    pub(crate) source: CompiledSource,
    /// The list, and the name of an item.
    pub(crate) each: Option<(Template, String)>,
    pub(crate) when: Option<Template>,
    /// `metadata.name`.
    pub(crate) name: Template,
    /// The object, without its name and namespace.
    pub(crate) object: Tree,
    pub(crate) ready: Option<Template>,
    pub(crate) adopt: bool,
}

impl CompiledSource {
    /// Returns the namespace, if it has no expression.
    pub(crate) fn constant_namespace(&self) -> Option<&str> {
        self.namespace.as_ref().and_then(Template::constant)
    }
}

impl Compiler<'_> {
    pub(super) fn kubernetes_sync(
        &mut self,
        node: &Node,
        spec: &KubernetesSync,
        model: Option<&Model>,
        scope: &Scope<'_>,
    ) -> Option<KubernetesDocument> {
        let mut types: Vec<(Cow<'static, str>, Type)> = vec![];
        let mut reads = vec![];
        for entry in node.at("read").map(entries).unwrap_or_default() {
            self.check_word(&entry.key, &entry.place);
            let Some(read) = spec.read.get(&entry.key) else { continue };
            let of = if read.name.is_some() { Type::Any } else { Type::list(Type::Any) };
            types.push((entry.key.clone().into(), of));
            reads.push(self.read_object(&entry.node, &entry.key, read, scope));
        }
        let scope = scope.clone().with("read", Type::record("map `read`", types));
        let mut known: Vec<(Cow<'static, str>, Type)> = vec![];
        let mut ids = BTreeSet::new();
        let mut objects = vec![];
        if let Some(Node { value: Value::List(nodes), .. }) = node.at("apply") {
            for (at, (node, object)) in nodes.iter().zip(&spec.apply).enumerate() {
                let place = node.at("id").map_or(&node.place, |id| &id.place);
                self.check_word(&object.id, place);
                if !ids.insert(object.id.as_str()) {
                    self.report.push(Problem::IdTwice { id: object.id.clone() }, place);
                }
                let applied = Type::record("map `applied`", known.clone());
                objects.push(self.object(node, at, object, (&scope, applied)));
                let of = if object.for_each.is_some() { Type::list(Type::Any) } else { Type::Any };
                known.push((object.id.clone().into(), of));
            }
        }
        let scope = scope.with("applied", Type::record("map `applied`", known));
        let fields = self.fields(node.at("fields"), model, &scope);
        Some(KubernetesDocument {
            reads: reads.into_iter().collect::<Option<_>>()?,
            objects: objects.into_iter().collect::<Option<_>>()?,
            fields: fields?,
        })
    }

    fn read_object(&mut self, node: &Node, name: &str, spec: &ReadObject, scope: &Scope<'_>) -> Option<CompiledRead> {
        let key = format!("spec.kubernetes.read.{name}");
        let found = usize::from(spec.name.is_some()) + usize::from(spec.source.selector.is_some());
        if found != 1 {
            let problem = Problem::OneOf { what: format!("`{key}`"), keys: "`name` and `selector`", found };
            self.report.push(problem, &node.place);
        }
        let (source, selector) = self.foreign_source(node, &key, &spec.source, scope)?;
        let by = match node.at("name") {
            Some(at) => By::Name(self.template(at, scope, &Type::Text)?),
            None => By::Selector(selector),
        };
        let constant = match &by {
            By::Name(name) => name.constant(),
            By::Selector(_) => None,
        };
        self.note_use(&source.kind, Access::Read, source.constant_namespace(), constant);
        Some(CompiledRead { name: name.to_owned(), source, by, optional: spec.optional })
    }

    /// Reads which objects are a list.
    pub(super) fn foreign_list(
        &mut self,
        node: &Node,
        spec: &ForeignSource,
        scope: &Scope<'_>,
    ) -> Option<(CompiledSource, Option<Template>)> {
        let (source, selector) = self.foreign_source(node, "spec.kubernetes", spec, scope)?;
        self.note_use(&source.kind, Access::Read, source.constant_namespace(), None);
        Some((source, selector))
    }

    /// Reads which kind of objects, where, and which of them.
    pub(super) fn foreign_source(
        &mut self,
        node: &Node,
        key: &str,
        spec: &ForeignSource,
        scope: &Scope<'_>,
    ) -> Option<(CompiledSource, Option<Template>)> {
        let kind = self.foreign_kind(node, key, (spec.plural.as_ref(), spec.scope));
        let [namespace, selector] = ["namespace", "selector"].map(|key| self.optional(node.at(key), scope));
        Some((CompiledSource { kind: Arc::new(kind?), namespace: namespace? }, selector?))
    }

    fn object(
        &mut self,
        node: &Node,
        at: usize,
        spec: &ApplyObject,
        (scope, applied): (&Scope<'_>, Type),
    ) -> Option<CompiledObject> {
        let mut scope = scope.clone();
        let mut each = Some(None);
        if let (Some(for_each), Some(at)) = (&spec.for_each, node.at("forEach")) {
            (each, scope) = self.each(at, for_each, scope);
        }
        let when = self.condition(node.at("when"), &scope);
        let key = format!("spec.kubernetes.apply[{at}].object");
        let object = node.at("object")?;
        let kind = self.foreign_kind(object, &key, (spec.plural.as_ref(), spec.scope));
        let metadata = object.at("metadata");
        let name = match metadata.and_then(|metadata| metadata.at("name")) {
            Some(name) => self.template(name, &scope, &Type::Text),
            None => {
                let place = metadata.map_or(&object.place, |metadata| &metadata.place);
                self.report.push(Problem::Missing { key: format!("{key}.metadata.name") }, place);
                None
            }
        };
        let namespace = self.optional(metadata.and_then(|metadata| metadata.at("namespace")), &scope);
        let tree = self.tree(&without_names(object), &scope.clone().with("applied", applied));
        let ready = self.condition(node.at("readyWhen"), &scope.with("object", Type::Any));
        let source = CompiledSource { kind: Arc::new(kind?), namespace: namespace? };
        self.note_use(&source.kind, Access::Apply, source.constant_namespace(), None);
        Some(CompiledObject {
            id: spec.id.clone(),
            source,
            each: each?,
            when: when?,
            name: name?,
            object: tree?,
            ready: ready?,
            adopt: spec.adopt,
        })
    }

    /// Reads a text; one that is left out is none. Returns nothing if it is wrong.
    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    fn optional(&mut self, node: Option<&Node>, scope: &Scope<'_>) -> Option<Option<Template>> {
        node.map_or(Some(None), |node| self.template(node, scope, &Type::Text).map(Some))
    }

    /// Notes what cannot be a name in expressions.
    fn check_word(&mut self, name: &str, place: &Place) {
        let mut letters = name.chars();
        let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        if !begins || !letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            self.report.push(Problem::NotAName { name: name.to_owned() }, place);
        }
    }
}

/// Returns an object without `metadata.name` and `metadata.namespace`.
fn without_names(object: &Node) -> Node {
    let mut object = object.clone();
    if let Value::Map(members) = &mut object.value
        && let Some(metadata) = members.iter_mut().find(|entry| entry.key == "metadata")
        && let Value::Map(members) = &mut metadata.node.value
    {
        members.retain(|entry| entry.key != "name" && entry.key != "namespace");
    }
    object
}
