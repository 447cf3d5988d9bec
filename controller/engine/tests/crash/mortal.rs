//! The API server as a mortal controller sees it: every write goes through the fuse.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_engine::memory::MemoryApi;
use xos_engine::{Entry, SecretData, SecretName, SpecSave, WriteError, Writer, Written};
use xos_model::{Object, ObjectKey};
use xos_steps::store::Annotations;

use crate::fuse::Fuse;

pub(crate) struct Mortal {
    pub(crate) api: MemoryApi,
    pub(crate) fuse: Fuse,
    pub(crate) life: usize,
}

impl Mortal {
    fn through<'a>(&'a self, write: impl FnOnce() -> Written<'a> + Send + 'a) -> Written<'a> {
        // The write takes effect when it is called.
        self.fuse.call(self.life, async move { write().await }).boxed()
    }
}

impl Writer for Mortal {
    fn set_finalizers<'a>(&'a self, entry: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a> {
        self.through(|| self.api.set_finalizers(entry, object, finalizers))
    }

    fn save_spec<'a>(&'a self, entry: &'a Entry, object: &'a Object, save: &'a SpecSave, who: &'a str) -> Written<'a> {
        self.through(|| self.api.save_spec(entry, object, save, who))
    }

    fn create<'a>(&'a self, entry: &'a Entry, object: &'a Object, who: &'a str) -> Written<'a> {
        self.through(|| self.api.create(entry, object, who))
    }

    fn read<'a>(&'a self, entry: &'a Entry, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Object>, WriteError>> {
        self.api.read(entry, key)
    }

    fn read_secret<'a>(&'a self, of: &'a SecretName) -> BoxFuture<'a, Result<Option<SecretData>, WriteError>> {
        self.api.read_secret(of)
    }

    fn write_status<'a>(&'a self, entry: &'a Entry, before: &'a Object, after: &'a Object) -> Written<'a> {
        self.through(|| self.api.write_status(entry, before, after))
    }

    fn annotate<'a>(
        &'a self,
        entry: &'a Entry,
        object: &'a Object,
        annotations: &'a Annotations,
        who: &'a str,
    ) -> Written<'a> {
        self.through(move || self.api.annotate(entry, object, annotations, who))
    }

    fn delete<'a>(&'a self, entry: &'a Entry, object: &'a Object, exact: bool) -> Written<'a> {
        self.through(move || self.api.delete(entry, object, exact))
    }
}
