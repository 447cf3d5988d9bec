//! The images of this repository: which programs and files each has.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    archive::{self, Image},
    bill, command, debian,
    layer::Layer,
    origin::Origin,
};

/// Where the code is.
const SOURCE: &str = "https://github.com/opencord/xos-controller";
const LICENCE: &str = "Apache-2.0";
/// A user with no rights, and no name on the machine that runs the container.
const USER: &str = "65532:65532";
/// Where an image has the list of what is in it.
const BILL: &str = "/usr/share/sbom/cyclonedx.json";

/// An image could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command failed.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// The base.
    #[error(transparent)]
    Debian(#[from] debian::Error),
    /// The list of crates.
    #[error(transparent)]
    Bill(#[from] bill::Error),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// A program was not built.
    #[error("{} is not there: build it with `cargo build --release --package {package}`", path.display())]
    NotBuilt {
        /// The program.
        path: PathBuf,
        /// Its package.
        package: &'static str,
    },
    /// A file cannot be used.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// What an image is made of.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// The image's name.
    pub name: &'static str,
    /// The package of its programs.
    pub package: &'static str,
    /// Its programs. Containers begin with the first one.
    pub programs: &'static [&'static str],
    /// Other files: from the repository, to the image.
    pub files: &'static [(&'static str, &'static str)],
    /// What it is, in a line.
    pub description: &'static str,
}

/// The images of this repository.
pub const RECIPES: [Recipe; 2] = [
    Recipe {
        name: "xos-controller",
        package: "xos-controller",
        programs: &["xos"],
        files: &[("LICENSE", "/usr/share/doc/xos-controller/LICENSE")],
        description: "XOS models as custom resources: the program xos",
    },
    Recipe {
        name: "xos-example",
        package: "xos-example",
        programs: &["example-synchronizer", "example-directory"],
        files: &[
            ("LICENSE", "/usr/share/doc/xos-example/LICENSE"),
            ("config/example/mymodel.xproto", "/usr/share/xos-example/mymodel.xproto"),
            ("config/example/config.yaml", "/usr/share/xos-example/config.yaml"),
            ("config/example/people.yaml", "/usr/share/xos-example/people.yaml"),
        ],
        description: "The example service: people, kept in step with a directory",
    },
];

/// Where things are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The work tree.
    pub repository: PathBuf,
    /// The folder with the programs.
    pub programs: PathBuf,
    /// Where packages of Debian are kept.
    pub cache: PathBuf,
}

/// Returns an image, and the list of what is in it.
///
/// # Errors
/// When a program is not built, or a package cannot be fetched.
pub fn image(recipe: &Recipe, places: &Places, origin: &Origin) -> Result<(Image, String), Error> {
    let built = |program: &&str| places.programs.join(program);
    let programs: Vec<PathBuf> = recipe.programs.iter().map(built).collect();
    if let Some(path) = programs.iter().find(|path| !path.is_file()) {
        return Err(Error::NotBuilt { path: path.clone(), package: recipe.package });
    }
    let base = debian::base(&programs, &places.cache)?;
    let crates = bill::of_packages(&places.repository, recipe.package)?;
    let bill = bill::document(recipe.name, origin, &crates, &base.packages);
    let bill = format!("{bill:#}\n");

    let mut own = Layer::default().file(BILL, 0o644, bill.clone());
    for (name, path) in recipe.programs.iter().zip(&programs) {
        own = own.file(format!("/usr/bin/{name}"), 0o755, read(path)?);
    }
    for (from, to) in recipe.files {
        own = own.file(to, 0o644, read(&places.repository.join(from))?);
    }
    let first = recipe.programs.first().map(|name| format!("/usr/bin/{name}"));
    let image = Image {
        name: format!("docker.io/library/{}", recipe.name),
        tag: origin.version.clone(),
        layers: vec![("Debian packages".into(), base.layer), (recipe.description.into(), own)],
        entrypoint: first.into_iter().collect(),
        arguments: Vec::new(),
        user: USER.into(),
        environment: vec!["PATH=/usr/bin".into(), "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt".into()],
        labels: labels(recipe, origin),
        created: (origin.changed, origin.time()),
    };
    Ok((image, bill))
}

fn labels(recipe: &Recipe, origin: &Origin) -> Vec<(String, String)> {
    let labels = [
        ("title", recipe.name),
        ("description", recipe.description),
        ("version", &origin.version),
        ("revision", &origin.revision),
        ("created", &origin.time()),
        ("source", SOURCE),
        ("licenses", LICENCE),
    ];
    labels.map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned())).to_vec()
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
}
