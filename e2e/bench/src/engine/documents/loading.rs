//! Loading many steps: from files to what the engine works with.

use std::{fs, time::Instant};

use xos_documents::Folder;
use xos_engine::Registry;
use xos_xproto::{Sources, compile};

use super::step::DOCUMENT;
use crate::engine::{Error, Sizes, Usage, report::Goal};

/// The longest time for a thousand, in ms.
const TIME: f64 = 1_000.0;
/// The most memory for a thousand, in MiB.
const MEMORY: f64 = 64.0;

/// Measures the time and the memory of the steps, each for a model of its own.
pub(super) fn measure(sizes: Sizes) -> Result<Vec<Goal>, Error> {
    let folder = tempfile::tempdir()?;
    let mut text = "option app_label = \"bench\";\n".to_owned();
    for at in 0..sizes.loaded {
        text += &format!(
            "message Thing{at} (XOSBase) {{ optional string first_name = 1 [max_length = 64]; \
             optional string last_name = 2 [max_length = 64]; }}\n"
        );
        let document = DOCUMENT.replace("model: Thing", &format!("model: Thing{at}"));
        let document = document.replace("name: http-thing", &format!("name: http-thing-{at}"));
        fs::write(folder.path().join(format!("thing-{at}.yaml")), document)?;
    }
    let mut sources = Sources::new();
    sources.add("bench.xproto", text);
    let models = compile(&sources).models;
    let before = Usage::of(std::process::id())?;
    let started = Instant::now();
    let folders = [Folder { key: "steps_dir", path: folder.path().to_owned() }];
    let read = xos_documents::read(&folders)?;
    let steps = read.compile(&models).map_err(|found| Error::Documents(format!("{} are wrong", found.len())))?;
    let compiled = started.elapsed();
    let loaded = Usage::of(std::process::id())?;
    let registry = Registry::new("bench", &models, &steps).map_err(|error| Error::Documents(error.to_string()))?;
    let whole = started.elapsed();
    let count = registry.entries().filter(|entry| entry.step.is_some()).count();
    #[expect(clippy::cast_precision_loss, reason = "some MiB")]
    let mib = loaded.resident_kib.saturating_sub(before.resident_kib) as f64 / 1024.0;
    let millis = compiled.as_secs_f64() * 1e3;
    let more = format!("with the engine's registry {:.0} ms", whole.as_secs_f64() * 1e3);
    let time = Goal::at_most(format!("{count} steps are read and checked"), millis, TIME, "ms").with(more);
    let memory = Goal::at_most(format!("memory of {count} steps"), mib, MEMORY, "MiB");
    let each = format!("{:.1} KiB each", mib * 1024.0 / f64::from(sizes.loaded.max(1)));
    Ok(vec![time, memory.with(each)])
}
