//! Collects the problems of a configuration.

use super::problem::Problem;
use xos_yaml::Place;

/// Problems and their places, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<(Problem, Place)>);

impl Report {
    /// Adds a problem.
    pub(super) fn push(&mut self, problem: Problem, place: &Place) {
        self.0.push((problem, place.clone()));
    }

    /// Returns whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what was found.
    pub(super) fn into_problems(self) -> Vec<(Problem, Place)> {
        self.0
    }
}
