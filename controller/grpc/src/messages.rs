//! The messages and services of XOS's API that are the same for all models, made from `proto/*.proto`.

/// Package `xos`: queries, and the services `utility`, `modeldefs`, `dynamicload` and `filetransfer`.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, rustdoc::all)]
pub mod xos {
    tonic::include_proto!("xos");
}

/// Package `schema`: how clients get the files of the API.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, rustdoc::all)]
pub mod schema {
    tonic::include_proto!("schema");
}
