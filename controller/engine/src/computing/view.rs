//! The view, for expressions.

use std::sync::Arc;

use xos_expressions::{Objects, Properties};
use xos_model::{Object, ObjectKey, Reference};
use xos_xproto::ModelSet;

use crate::registry::Registry;
use crate::view::SharedView;

/// The objects of a view.
pub(crate) struct ViewObjects {
    view: SharedView,
    registry: Arc<Registry>,
    /// One that is not as the view has it.
    own: Option<Arc<Object>>,
}

impl ViewObjects {
    /// Returns the objects of this view.
    pub(crate) fn of(view: SharedView, registry: Arc<Registry>) -> Self {
        Self { view, registry, own: None }
    }

    /// Returns the same, with an object as it is with what is not written yet.
    pub(crate) fn with(self, own: Arc<Object>) -> Self {
        Self { own: Some(own), ..self }
    }

    fn as_known(&self, mut all: Vec<Arc<Object>>) -> Vec<Arc<Object>> {
        if let Some(own) = &self.own {
            let same = all.iter_mut().filter(|one| one.meta.uid == own.meta.uid && one.model == own.model);
            same.for_each(|one| *one = Arc::clone(own));
        }
        all
    }
}

impl Objects for ViewObjects {
    fn models(&self) -> Arc<ModelSet> {
        Arc::clone(&self.registry.models)
    }

    fn properties(&self) -> Arc<Properties> {
        Arc::clone(&self.registry.properties)
    }

    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Vec<Arc<Object>> {
        self.as_known(self.view.at(class, namespace, reference))
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        self.as_known(self.view.linked_back(key, port))
    }
}
