//! `xos-image`: the container images of this repository, made without a container engine.

use std::{
    error::Error,
    fs, iter,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use xos_image::{
    build::{Places, RECIPES, image},
    origin::Origin,
};

/// Writes the images as OCI archives, each with the list of what is in it (CycloneDX) beside it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder with the programs
    #[arg(long, value_name = "FOLDER", default_value = "target/release")]
    programs: PathBuf,
    /// The folder for the archives
    #[arg(long, value_name = "FOLDER", default_value = "target/image")]
    output: PathBuf,
    /// The folder in which packages of Debian are kept
    #[arg(long, value_name = "FOLDER")]
    cache: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let chain = iter::successors(Some(&*error), |&error| error.source());
            let words: Vec<_> = chain.map(ToString::to_string).collect();
            eprintln!("xos-image: {}", words.join(": "));
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { programs, output, cache }: &Arguments) -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let repository = here.ancestors().nth(2).unwrap_or(here).to_owned();
    let origin = Origin::of(&repository)?;
    fs::create_dir_all(output)?;
    let places = Places { repository, programs: programs.clone(), cache: cache.clone() };
    for recipe in &RECIPES {
        let (image, bill) = image(recipe, &places, &origin)?;
        fs::write(output.join(format!("{}.cdx.json", recipe.name)), bill)?;
        let path = output.join(format!("{}.tar", recipe.name));
        let digest = image.write(&path)?;
        let size = fs::metadata(&path)?.len();
        println!("{}: {}:{}, {digest}, {size} bytes", path.display(), recipe.name, image.tag);
    }
    Ok(())
}
