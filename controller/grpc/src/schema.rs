//! What a core tells its clients of its API.

use std::collections::HashMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use prost_reflect::DescriptorPool;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::Api;
use crate::messages::schema::{ProtoFile, Schemas};

/// The file of the models.
const MODELS: &str = "xos.proto";

/// The files that are the same for all models, in the order in which the original tells them.
const FIXED: [(&str, &str); 6] = [
    ("xosoptions.proto", include_str!("../../../proto/xosoptions.proto")),
    ("modeldefs.proto", include_str!("../../../proto/modeldefs.proto")),
    ("dynamicload.proto", include_str!("../../../proto/dynamicload.proto")),
    ("filetransfer.proto", include_str!("../../../proto/filetransfer.proto")),
    ("utility.proto", include_str!("../../../proto/utility.proto")),
    ("common.proto", include_str!("../../../proto/common.proto")),
];

/// The files that are not told: clients have them.
const UNTOLD: [(&str, &str); 3] = [
    ("google/api/annotations.proto", include_str!("../../../proto/google/api/annotations.proto")),
    ("google/api/http.proto", include_str!("../../../proto/google/api/http.proto")),
    ("schema.proto", include_str!("../../../proto/schema.proto")),
];

/// Why an API has no schema.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The text does not compile.
    #[error("the API does not compile: {0}")]
    Compile(#[from] protox::Error),
    /// The compiled text is invalid.
    #[error("the API is invalid: {0}")]
    Invalid(#[from] prost_reflect::DescriptorError),
    /// It could not be compressed.
    #[error("the API cannot be compressed: {0}")]
    Compress(#[from] std::io::Error),
    /// A core has not said what clients need.
    #[error("the core's schema has no `{0}`")]
    Missing(&'static str),
}

/// The files of an API, as text and compiled.
#[derive(Clone)]
pub struct Schema {
    /// What `GetSchema` answers.
    pub schemas: Schemas,
    /// All files compiled, as a FileDescriptorSet.
    pub descriptors: Vec<u8>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("files", &self.schemas.protos.len()).finish_non_exhaustive()
    }
}

impl Schema {
    /// Returns the schema of an API.
    ///
    /// # Errors
    /// When it does not compile, which [`Api::of`] makes sure of.
    pub fn of(api: &Api) -> Result<Self, SchemaError> {
        let models = api.to_proto();
        let told = [(MODELS, models.as_str())].into_iter().chain(FIXED);
        let texts: HashMap<_, _> =
            told.clone().chain(UNTOLD).map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let mut protos = vec![];
        for (name, text) in told {
            let compiled = compiled(&texts, &[name])?;
            let mut compressed = ZlibEncoder::new(vec![], Compression::default());
            compressed.write_all(&compiled)?;
            let descriptor = compressed.finish()?;
            protos.push(ProtoFile { file_name: name.to_owned(), proto: text.to_owned(), descriptor });
        }
        let names: Vec<_> = texts.keys().map(String::as_str).collect();
        let from = MODELS.to_owned();
        let schemas = Schemas { protos, swagger_from: from.clone(), yang_from: from };
        Ok(Self { schemas, descriptors: compiled(&texts, &names)? })
    }

    /// Reads what a core has answered to `GetSchema`. Only the texts count, as for the original's client.
    ///
    /// # Errors
    /// When they do not compile.
    pub fn read(schemas: Schemas) -> Result<Self, SchemaError> {
        let told = schemas.protos.iter().map(|file| (file.file_name.clone(), file.proto.clone()));
        let fixed = UNTOLD.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let texts: HashMap<_, _> = fixed.into_iter().chain(told).collect();
        if !texts.contains_key(MODELS) {
            return Err(SchemaError::Missing(MODELS));
        }
        let descriptors = compiled(&texts, &[MODELS])?;
        Ok(Self { schemas, descriptors })
    }

    /// Returns the API of its models.
    ///
    /// # Errors
    /// When it is none of XOS's.
    pub fn api(&self) -> Result<Api, SchemaError> {
        Api::of_descriptors(&DescriptorPool::decode(self.descriptors.as_slice())?)
    }
}

/// Returns files compiled, with all that they import.
fn compiled(texts: &HashMap<String, String>, names: &[&str]) -> Result<Vec<u8>, SchemaError> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(texts.clone()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true).open_files(names)?;
    Ok(compiler.encode_file_descriptor_set())
}

/// Files in memory.
struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self.0.get(name).ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, text)
    }
}
