//! A writer whose answers know the versions of the Secrets that the object uses.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_model::{Object, ObjectKey};
use xos_steps::store::Annotations;

use super::{SecretData, SecretName, Secrets};
use crate::registry::Entry;
use crate::writer::{SpecSave, WriteError, Writer, Written};

/// The writer, and the versions.
pub(crate) struct Stamping {
    pub(crate) writer: Arc<dyn Writer>,
    pub(crate) secrets: Secrets,
}

impl Stamping {
    fn stamped(&self, entry: &Entry, mut object: Object) -> Object {
        object.intent.secrets = self.secrets.hash(&entry.model, &object);
        object
    }

    fn answer<'a>(&'a self, entry: &'a Entry, written: Written<'a>) -> Written<'a> {
        async move { Ok(self.stamped(entry, written.await?)) }.boxed()
    }
}

impl Writer for Stamping {
    fn set_finalizers<'a>(&'a self, entry: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a> {
        self.answer(entry, self.writer.set_finalizers(entry, object, finalizers))
    }

    fn save_spec<'a>(&'a self, entry: &'a Entry, object: &'a Object, save: &'a SpecSave, who: &'a str) -> Written<'a> {
        self.answer(entry, self.writer.save_spec(entry, object, save, who))
    }

    fn create<'a>(&'a self, entry: &'a Entry, object: &'a Object, who: &'a str) -> Written<'a> {
        self.answer(entry, self.writer.create(entry, object, who))
    }

    fn read<'a>(&'a self, entry: &'a Entry, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Object>, WriteError>> {
        async move { Ok(self.writer.read(entry, key).await?.map(|object| self.stamped(entry, object))) }.boxed()
    }

    fn write_status<'a>(&'a self, entry: &'a Entry, before: &'a Object, after: &'a Object) -> Written<'a> {
        self.answer(entry, self.writer.write_status(entry, before, after))
    }

    fn annotate<'a>(
        &'a self,
        entry: &'a Entry,
        object: &'a Object,
        annotations: &'a Annotations,
        who: &'a str,
    ) -> Written<'a> {
        self.answer(entry, self.writer.annotate(entry, object, annotations, who))
    }

    fn read_secret<'a>(&'a self, of: &'a SecretName) -> BoxFuture<'a, Result<Option<SecretData>, WriteError>> {
        self.writer.read_secret(of)
    }

    fn delete<'a>(&'a self, entry: &'a Entry, object: &'a Object, exact: bool) -> Written<'a> {
        self.answer(entry, self.writer.delete(entry, object, exact))
    }
}
