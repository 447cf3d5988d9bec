//! The text of xos.proto compiles with real compilers, and says what was meant.

use std::collections::HashMap;
use std::fs;

use prost_reflect::{DescriptorPool, Value};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use xos_random_models::generate;

use crate::oracle::{Files, api, protoc, repository};

/// The fixed files that xos.proto imports.
const FIXED: [(&str, &str); 4] = [
    ("common.proto", include_str!("../../../../proto/common.proto")),
    ("xosoptions.proto", include_str!("../../../../proto/xosoptions.proto")),
    ("google/api/annotations.proto", include_str!("../../../../proto/google/api/annotations.proto")),
    ("google/api/http.proto", include_str!("../../../../proto/google/api/http.proto")),
];

#[test]
fn protox_compiles_the_apis_of_random_models() {
    for seed in 0..200 {
        let files = generate::set(seed).texts();
        let api = api(&files).unwrap();
        let pool = protox(&api.to_proto()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for message in &api.messages {
            let compiled = pool.get_message_by_name(&format!("xos.{}", message.name)).unwrap();
            assert_eq!(compiled.fields().len(), message.fields.len(), "seed {seed}: {}", message.name);
        }
    }
}

#[test]
fn protoc_compiles_the_apis_of_this_repository() {
    for files in repository() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FIXED.iter().filter(|(name, _)| !name.contains('/')) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::write(folder.path().join("xos.proto"), api(&files).unwrap().to_proto()).unwrap();
        protoc(folder.path());
    }
}

#[test]
fn compiled_messages_say_what_the_models_say() {
    let text = r#"
        option app_label = "example";
        message Site (XOSBase) { required string name = 1 [max_length = 20, null = False]; }
        message Node (XOSBase) { required manytoone site->Site:nodes = 1:1001; }
    "#;
    let files: Files = vec![("a.xproto".to_owned(), text.to_owned())];
    let pool = protox(&api(&files).unwrap().to_proto()).unwrap();
    let field = |message: &str, field: &str| {
        pool.get_message_by_name(&format!("xos.{message}")).unwrap().get_field_by_name(field).unwrap()
    };
    let option = |message: &str, name: &str, extension: &str, member: &str| {
        let options = field(message, name).options();
        let extension = pool.get_extension_by_name(&format!("xos.{extension}")).unwrap();
        options.get_extension(&extension).as_message().unwrap().get_field_by_name(member).unwrap().into_owned()
    };
    assert_eq!(field("Site", "name").containing_oneof().unwrap().name(), "name_present");
    assert_eq!(field("Node", "site_id").containing_oneof().unwrap().name(), "site_present");
    assert!(field("Site", "nodes_ids").is_list());
    assert_eq!(option("Site", "name", "val", "maxLength"), Value::U32(20));
    assert_eq!(option("Site", "name", "val", "nonNull"), Value::Bool(true));
    assert_eq!(option("Node", "site_id", "foreignKey", "reverseFieldName"), Value::String("nodes".to_owned()));
    assert_eq!(option("Site", "nodes_ids", "reverseForeignKey", "modelName"), Value::String("Node".to_owned()));
    assert_eq!(pool.get_service_by_name("xos.xos").unwrap().methods().len(), 12);
}

/// Compiles xos.proto with what it imports.
fn protox(text: &str) -> Result<DescriptorPool, protox::Error> {
    let mut texts: HashMap<_, _> = FIXED.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    texts.insert("xos.proto".to_owned(), text.to_owned());
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(texts));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("xos.proto")?;
    Ok(DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap())
}

/// Files in memory.
struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self.0.get(name).ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, text)
    }
}
