//! How long it takes to compile model sets: `cargo run --release -p xos-xproto --example compile_time [SIZE|FILE]…`.
//!
//! Sets of a size are made like real ones: services of a base, instances of a service, links between them with ports on
//! both sides, choices, policies and validators, a few dozen lines a model. `growth` is how much more time a model
//! takes than in the set of the line before: 1 if time grows with the number of models. It is more where a set no
//! longer fits into a cache of the processor; callgrind, which knows no caches, counts the same instructions for a
//! model in each set: `valgrind --tool=callgrind --toggle-collect=xos_xproto::resolve::compile_with …`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use xos_xproto::{Sources, compile};

/// The numbers of models if nothing else is asked for.
const SIZES: [&str; 4] = ["100", "1000", "10000", "16000"];

/// Compilations of each set, of which the median counts.
const RUNS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let sets = if arguments.is_empty() { SIZES.map(str::to_owned).to_vec() } else { arguments };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>16} {:>8} {:>10} {:>10} {:>10} {:>10} {:>7}",
        "set", "models", "bytes", "median", "fastest", "per model", "growth"
    )?;
    let mut before: Option<Duration> = None;
    for name in sets {
        let (sources, bytes) = match name.parse() {
            Ok(size) => set(size)?,
            Err(_) => file(&name)?,
        };
        let (times, models) = times(&sources)?;
        let median = times[times.len() / 2];
        let each = median / u32::try_from(models)?;
        let growth = before.map_or(String::new(), |before| format!("{:.2}", each.as_secs_f64() / before.as_secs_f64()));
        let name = name.rsplit('/').next().unwrap_or_default();
        writeln!(
            out,
            "{name:>16} {models:>8} {bytes:>10} {median:>10.2?} {:>10.2?} {each:>10.2?} {growth:>7}",
            times[0]
        )?;
        before = Some(each);
    }
    Ok(())
}

/// Returns the times of all runs, the shortest first, and the number of models.
fn times(sources: &Sources) -> Result<(Vec<Duration>, usize), Box<dyn Error>> {
    let mut times = Vec::with_capacity(RUNS);
    let mut models = 0;
    for _ in 0..RUNS {
        let started = Instant::now();
        let compiled = compile(sources);
        times.push(started.elapsed());
        if let Some(first) = compiled.diagnostics.first() {
            return Err(format!("the set is wrong: {}", first.message()).into());
        }
        models = compiled.models.iter().filter(|model| !model.is_built_in()).count();
    }
    times.sort();
    Ok((times, models.max(1)))
}

/// Returns the set of one file.
fn file(path: &str) -> Result<(Sources, usize), Box<dyn Error>> {
    let text = std::fs::read(path)?;
    let bytes = text.len();
    let mut sources = Sources::new();
    sources.add(path, text);
    Ok((sources, bytes))
}

/// Returns a set of that many models, in files of fifty.
fn set(models: usize) -> Result<(Sources, usize), Box<dyn Error>> {
    const IN_A_FILE: usize = 50;
    let mut sources = Sources::new();
    let mut bytes = 0;
    for file in 0..models.div_ceil(IN_A_FILE) {
        let mut text = format!("option name = \"s{file}\";\noption app_label = \"s{file}\";\n\n");
        for at in file * IN_A_FILE..models.min((file + 1) * IN_A_FILE) {
            model(at, &mut text)?;
        }
        bytes += text.len();
        sources.add(format!("s{file}.xproto"), text);
    }
    Ok((sources, bytes))
}

/// Writes one model: of every ten, the first is the base of the others, and they have links to it.
fn model(at: usize, text: &mut String) -> Result<(), std::fmt::Error> {
    let group = at / 10;
    let place = at % 10;
    let base = if place == 0 { "XOSBase".to_owned() } else { format!("Base{group}") };
    let name = if place == 0 { format!("Base{group}") } else { format!("Model{at}") };
    writeln!(text, "policy policy{at} <")?;
    writeln!(text, "    not ctx.write_access | obj.name{at} = \"a\"")?;
    writeln!(text, "    | (exists {name}: ({name}.id = obj.id & {name}.name{at} = obj.name{at}))\n>")?;
    writeln!(text, "// What number {at} is for.\nmessage {name}::policy{at} ({base}) {{")?;
    writeln!(text, "    option validators = \"policy{at}:{{obj.name{at}}} is not right\";")?;
    writeln!(
        text,
        "    required string name{at} = 1 [help_text = \"The name.\", max_length = 200, db_index = False];"
    )?;
    writeln!(text, "    optional string text{at} = 2 [text = True, blank = True];")?;
    writeln!(text, "    required int32 size{at} = 3 [default = {at}, min_value = 0];")?;
    writeln!(
        text,
        "    required string kind{at} = 4 [max_length = 30, default = \"vm\",\n        \
         choices = \"(('vm', 'Virtual Machine'), ('container', 'Container'))\"];"
    )?;
    writeln!(text, "    optional string status{at} = 5 [max_length = 1024, feedback_state = True];")?;
    writeln!(text, "    required bool enabled{at} = 6 [default = True];")?;
    if place > 0 {
        writeln!(text, "    required manytoone owner{at}->Base{group}:models{at} = 7:{};", 1000 + at % 900)?;
        writeln!(text, "    optional manytomany peers{at}->{name}:peered{at} = 8;")?;
    }
    writeln!(text, "}}\n")
}
