//! How long it takes to compile model sets of several sizes: `cargo run --release -p xos-xproto --example compile_time`.
//!
//! The sets are made like real ones: services of a base, instances of a service, links between them with ports on both
//! sides, choices, policies and validators, a few dozen lines a model.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use xos_xproto::{Sources, compile};

/// The numbers of models.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// Compilations of each size, of which the median counts.
const RUNS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    let sizes: Vec<usize> = std::env::args().skip(1).map(|size| size.parse()).collect::<Result<_, _>>()?;
    let sizes = if sizes.is_empty() { SIZES.to_vec() } else { sizes };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:>8} {:>10} {:>12} {:>12} {:>12}", "models", "bytes", "median", "fastest", "per model")?;
    for size in sizes {
        let (sources, bytes) = set(size)?;
        let times = times(&sources)?;
        let median = times[times.len() / 2];
        let each = median / u32::try_from(size)?;
        writeln!(out, "{size:>8} {bytes:>10} {median:>12.2?} {:>12.2?} {each:>12.2?}", times[0])?;
    }
    Ok(())
}

/// The times of all runs, the shortest first.
fn times(sources: &Sources) -> Result<Vec<Duration>, Box<dyn Error>> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = Instant::now();
        let compiled = compile(sources);
        times.push(started.elapsed());
        if let Some(first) = compiled.diagnostics.first() {
            return Err(format!("the set is wrong: {}", first.message()).into());
        }
    }
    times.sort();
    Ok(times)
}

/// A set of that many models, in files of fifty.
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

/// One model: of every ten one has a base of its own, and is the base of the others, to which they have links.
fn model(at: usize, text: &mut String) -> Result<(), std::fmt::Error> {
    let (group, place) = (at / 10, at % 10);
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
