//! Any files compile to something, and what is wrong with them can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xos_xproto::{Options, Sources, compile_with, render, to_json};

/// As many diagnostics are shown: showing is far slower than finding.
const SHOWN: usize = 20;

fuzz_target!(|data: &[u8]| {
    let mut sources = Sources::new();
    // A zero byte, which no text has, ends a file.
    for (at, file) in data.split(|&byte| byte == 0).enumerate().take(4) {
        sources.add(format!("{at}.xproto"), file);
    }
    let compiled = compile_with(&sources, Options { strict: data.len() % 2 == 0 });
    for diagnostic in compiled.diagnostics.iter().take(SHOWN) {
        assert!(!render(diagnostic, &sources, false).is_empty());
        let json = to_json(diagnostic, &sources);
        assert!((json.range.start.line, json.range.start.column) <= (json.range.end.line, json.range.end.column));
    }
    for model in &compiled.models {
        assert_eq!(model.members().count(), model.fields.len() + model.links.len());
        assert_eq!(model.lineage.len(), model.ancestry.len());
        for port in compiled.models.reverse_links(model) {
            assert!(compiled.models.get(&port.model).is_some());
        }
    }
    for policy in compiled.models.policies() {
        assert!(!policy.expr.to_string().is_empty());
    }
});
