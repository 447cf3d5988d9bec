//! `xos proto`: the gRPC API of models as a .proto file.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use xos_grpc::{Api, ApiError};

use crate::cli::ProtoArgs;
use crate::models::{self, ModelsError};
use crate::synchronizer::Synchronizer;

/// Why the API could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtoError {
    /// No models are named, or they have errors or cannot be read.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The models have no API.
    #[error("the models have no API:\n{0}")]
    Api(#[from] ApiError),
    /// The output could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

impl ProtoError {
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::Models(error) => error.is_usage(),
            Self::Api(_) | Self::Write { .. } => false,
        }
    }
}

/// Prints the API to `out`, or writes it into the file that the arguments name.
pub(crate) fn run(synchronizer: &Synchronizer, args: &ProtoArgs, out: &mut dyn Write) -> Result<(), ProtoError> {
    let text = Api::of(&models::named(synchronizer, "proto", &args.paths)?)?.to_proto();
    let (path, written) = match &args.output {
        None => ("standard output".into(), out.write_all(text.as_bytes())),
        Some(path) => (path.clone(), fs::write(path, text)),
    };
    written.map_err(|source| ProtoError::Write { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "option app_label = \"a\"; message Site (XOSBase) { required int32 size = 1; }";

    fn synchronizer(text: &str) -> Synchronizer {
        let models = if text.is_empty() { Vec::new() } else { vec![("site.xproto".to_owned(), text.to_owned())] };
        Synchronizer { models, ..Synchronizer::new("sites") }
    }

    fn print(text: &str, paths: &[PathBuf]) -> Result<String, ProtoError> {
        let args = ProtoArgs { paths: paths.to_vec(), output: None };
        let mut out = Vec::new();
        run(&synchronizer(text), &args, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn models_become_a_proto_file() {
        let folder = tempfile::tempdir().unwrap();
        let (models, output) = (folder.path().join("site.xproto"), folder.path().join("xos.proto"));
        fs::write(&models, SITE).unwrap();
        let printed = print("", std::slice::from_ref(&models)).unwrap();
        assert!(printed.contains("        int32 size = 101;"), "{printed}");
        assert_eq!(print(SITE, &[]).unwrap(), printed, "models that are built in");
        let args = ProtoArgs { paths: vec![models], output: Some(output.clone()) };
        run(&synchronizer(""), &args, &mut io::sink()).unwrap();
        assert_eq!(fs::read_to_string(output).unwrap(), printed);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let usage = |result: Result<String, ProtoError>| result.unwrap_err().is_usage();
        assert!(usage(print("", &[])));
        assert!(usage(print("", &["nowhere.xproto".into()])));
        assert!(!usage(print("message", &[])));
        let taken = print(&SITE.replace("Site", "Query"), &[]).unwrap_err();
        assert!(taken.to_string().contains("`Query`"), "{taken}");
    }
}
