//! Rust structs for the models of an xproto file, made at build time
