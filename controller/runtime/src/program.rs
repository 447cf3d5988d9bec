//! How the program was called: by its own name, or by kubectl as its plugin.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The name by which kubectl finds the plugin `kubectl xos`.
pub(crate) const PLUGIN: &str = "kubectl-xos";
/// The name by which kubectl finds what completes the plugin's command line.
pub(crate) const COMPLETER: &str = "kubectl_complete-xos";

/// How the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// By a name of its own.
    Own,
    /// As `kubectl xos`.
    Plugin,
    /// By kubectl, to complete a command line that begins with `kubectl xos`.
    Completer,
}

impl Program {
    /// Returns how this process was called.
    pub(crate) fn of_this_process() -> Self {
        Self::called(std::env::args_os().next().as_ref())
    }

    /// Returns how a process with this first argument was called.
    fn called(first: Option<&OsString>) -> Self {
        match first.and_then(|path| Path::new(path).file_stem()).and_then(OsStr::to_str) {
            // kubectl finds both spellings of a name with a dash.
            Some(PLUGIN | "kubectl_xos") => Self::Plugin,
            Some(COMPLETER) => Self::Completer,
            _ => Self::Own,
        }
    }

    /// Returns a text that names commands of `xos`, with the words by which this process is called.
    pub(crate) fn in_its_words(self, text: &str) -> String {
        if self == Self::Plugin { text.replace("`xos ", "`kubectl xos ") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_tells_who_calls() {
        let called = |name: &str| Program::called(Some(&OsString::from(name)));
        for name in ["kubectl-xos", "/usr/local/bin/kubectl-xos", "kubectl-xos.exe", "./kubectl_xos"] {
            assert_eq!(called(name), Program::Plugin, "{name}");
        }
        assert_eq!(called("/usr/bin/kubectl_complete-xos"), Program::Completer);
        for name in ["xos", "/opt/kubectl-xos/xos", "example-synchronizer", ""] {
            assert_eq!(called(name), Program::Own, "{name}");
        }
        assert_eq!(Program::called(None), Program::Own);
    }

    #[test]
    fn commands_are_named_as_the_reader_called_this_one() {
        let text = "start it, or run `xos uninstall old`";
        assert_eq!(Program::Own.in_its_words(text), text);
        assert_eq!(Program::Plugin.in_its_words(text), "start it, or run `kubectl xos uninstall old`");
    }
}
