//! Generates the types of the core's models, of awkward ones, and of random ones.
//!
//! `XOS_SEED` chooses other random sets.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use xos_codegen::{Names, embed, generate};
use xos_random_models::values::with_values;
use xos_xproto::{ModelSet, Sources, compile, render};

/// How many random sets there are; each costs a second of compilation.
const RANDOM_SETS: u64 = 10;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    println!("cargo::rerun-if-env-changed=XOS_SEED");
    println!("cargo::rerun-if-changed=build.rs");
    let seed: u64 = env::var("XOS_SEED").map_or(Ok(1), |seed| seed.parse())?;
    println!("cargo::rustc-env=XOS_ROUNDTRIP_SEED={seed}");
    let mut cases = String::new();
    for (module, file) in
        [("core", "../../../config/core.xproto"), ("awkward", "awkward.xproto"), ("named", "named.xproto")]
    {
        println!("cargo::rerun-if-changed={file}");
        cases += &set(module, &[(format!("{module}.xproto"), fs::read_to_string(file)?)])?;
    }
    let mut modules = String::new();
    for at in 0..RANDOM_SETS {
        let number = seed.wrapping_mul(1_000_000).wrapping_add(at);
        let module = format!("random_{at}");
        let files = with_values(xos_random_models::set(number), number).texts();
        cases += &set(&module, &files).map_err(|error| format!("XOS_SEED={seed}: {error}"))?;
        writeln!(
            modules,
            "#[doc = \"Random models.\"] pub mod {module} {{ xos_controller::include_models!({module:?}); }}"
        )?;
    }
    writeln!(modules, "/// Every model, and every view of one.\npub fn cases() -> Vec<Case> {{ vec![\n{cases}] }}")?;
    write("cases.rs", &modules)
}

/// Writes the types of a set, and gives its cases.
fn set(module: &str, files: &[(String, String)]) -> Result<String, Error> {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(name.as_str(), text.as_str());
    }
    let compiled = compile(&sources);
    if compiled.has_errors() {
        let all: Vec<_> = compiled.diagnostics.iter().map(|d| render(d, &sources, false)).collect();
        return Err(format!("{module}:\n{}", all.join("\n")).into());
    }
    write(&format!("{module}.rs"), &(generate(&compiled.models) + &embed(files)))?;
    cases(module, &compiled.models)
}

fn cases(module: &str, models: &ModelSet) -> Result<String, Error> {
    let names = Names::of(models);
    let name = |model: &str| names.of_struct(model).ok_or_else(|| format!("{model} has no struct"));
    let mut code = String::new();
    for model in models.concrete() {
        let leaf = name(&model.name)?;
        let views: Result<Vec<_>, Error> = model
            .ancestry
            .iter()
            .skip(1)
            .map(|base| Ok(format!("view::<{module}::{}, {module}::{leaf}>", name(base)?)))
            .collect();
        writeln!(
            code,
            "Case {{ set: {module:?}, model: {:?}, models: {module}::models, check: check::<{module}::{leaf}>, views: &[{}] }},",
            model.name,
            views?.join(", ")
        )?;
    }
    Ok(code)
}

fn write(name: &str, code: &str) -> Result<(), Error> {
    let path = Path::new(&env::var("OUT_DIR")?).join(name);
    Ok(fs::write(path, code)?)
}
