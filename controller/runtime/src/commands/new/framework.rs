//! Where the new crate gets the framework from.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;

/// The option that says it, as arguments.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub(crate) struct FrameworkArgs {
    /// The framework is this checkout of its repository [default: the checkout that this folder or this program is in]
    #[arg(long, value_name = "DIR")]
    framework_path: Option<PathBuf>,
    /// The framework is a git repository
    #[arg(long, value_name = "URL")]
    framework_git: Option<String>,
    /// The framework is this version from the registry
    #[arg(long, value_name = "VERSION")]
    framework_version: Option<String>,
}

/// Why the framework was not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameworkError {
    #[error(
        "where is the framework? Neither this folder nor this program is in a checkout of it: use --framework-path DIR, \
         --framework-git URL, or --framework-version VERSION"
    )]
    Unknown,
    #[error("{} is not a checkout of the framework: it has no controller/codegen/Cargo.toml", .0.display())]
    NotACheckout(PathBuf),
}

/// The framework as a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    /// A checkout.
    Path(PathBuf),
    /// A git repository.
    Git(String),
    /// A version in the registry.
    Version(String),
}

impl Framework {
    /// Returns what the arguments say, or the checkout that one finds.
    pub(crate) fn of(args: &FrameworkArgs) -> Result<Self, FrameworkError> {
        match args {
            FrameworkArgs { framework_path: Some(path), .. } => {
                let checkout = path.canonicalize().ok().filter(|path| is_checkout(path));
                checkout.map(Self::Path).ok_or_else(|| FrameworkError::NotACheckout(path.clone()))
            }
            FrameworkArgs { framework_git: Some(url), .. } => Ok(Self::Git(url.clone())),
            FrameworkArgs { framework_version: Some(version), .. } => Ok(Self::Version(version.clone())),
            _ => {
                let starts = [env::current_dir().ok(), env::current_exe().ok()];
                let found = starts.iter().flatten().find_map(|start| checkout(start));
                found.map(Self::Path).ok_or(FrameworkError::Unknown)
            }
        }
    }

    /// Returns the keys of the dependency on the crate `xos-controller`.
    pub(crate) fn keys(&self) -> String {
        match self {
            // Debug of a text is a string of TOML: paths have no characters that differ.
            Self::Path(path) => format!("path = {:?}", path.join("controller").display().to_string()),
            Self::Git(url) => format!("git = {url:?}"),
            Self::Version(version) => format!("version = {version:?}"),
        }
    }
}

fn checkout(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| is_checkout(folder)).map(Path::to_owned)
}

fn is_checkout(folder: &Path) -> bool {
    folder.join("controller/codegen/Cargo.toml").is_file() && folder.join("controller/Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_in_a_checkout() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        assert_eq!(Framework::of(&FrameworkArgs::default()).unwrap(), Framework::Path(root.to_owned()));
        assert_eq!(checkout(Path::new("/")), None);
    }

    #[test]
    fn each_source_has_its_keys() {
        let table = [
            (Framework::Path("/src/xos".into()), r#"path = "/src/xos/controller""#),
            (Framework::Git("https://example.org/xos".into()), r#"git = "https://example.org/xos""#),
            (Framework::Version("0.1.0".into()), r#"version = "0.1.0""#),
        ];
        for (framework, expected) in table {
            assert_eq!(framework.keys(), expected);
        }
    }

    #[test]
    fn another_folder_is_refused() {
        let args = FrameworkArgs { framework_path: Some("/".into()), ..FrameworkArgs::default() };
        let message = Framework::of(&args).unwrap_err().to_string();
        assert!(message.starts_with("/ is not a checkout of the framework"), "{message}");
    }
}
