//! The API of the core's models is the one that XOS 4.0.4 serves.

use xos_grpc::Api;
use xos_xproto::{Sources, compile};

use crate::common::{first_difference, message_rows};

#[test]
fn the_core_has_the_messages_of_xos() {
    let mut sources = Sources::new();
    sources.add("core.xproto", include_str!("../../../../config/core.xproto"));
    let compiled = compile(&sources);
    assert!(!compiled.has_errors());
    let ours = message_rows(&Api::of(&compiled.models).unwrap());
    let theirs: Vec<_> =
        include_str!("../data/core-api.tsv").lines().filter(|row| !row.starts_with('#')).map(str::to_owned).collect();
    assert!(theirs.len() > 1_000);
    let difference = first_difference(&ours, &theirs);
    assert!(difference.is_none(), "{}", difference.unwrap_or_default());
}
