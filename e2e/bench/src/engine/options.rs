//! What is measured, and with how many objects.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

/// Compares the engine with its peers, on a control plane of its own.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Options {
    /// Only these parts, such as `rate,chain`.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    pub only: Vec<Part>,
    /// Use few objects, to check that the benchmark works; the times mean nothing.
    #[arg(long)]
    pub quick: bool,
    /// How long writes are counted at rest, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub rest: Option<u64>,
    /// How many objects the rates are measured with.
    #[arg(long, value_name = "N")]
    pub objects: Option<u32>,
    /// How many objects are many, as for a restart.
    #[arg(long, value_name = "N")]
    pub many: Option<u32>,
    /// How many objects are very many.
    #[arg(long, value_name = "N")]
    pub huge: Option<u32>,
    /// How often the rates are measured; the medians are compared.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub rounds: usize,
    /// Leave out kopf, which is slow.
    #[arg(long)]
    pub no_kopf: bool,
    /// The folder for report.md and report.json.
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    pub output: PathBuf,
    /// Exit with code 1 unless every goal is met.
    #[arg(long)]
    pub check: bool,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Ordering dirty objects, without a cluster.
    Planning,
    /// Writes for each object.
    Writes,
    /// A chain of linked objects.
    Chain,
    /// Objects a second and latency, compared with the peers.
    Rate,
    /// Many objects: rates and memory.
    Scale,
    /// A restart with many clean objects.
    Restart,
    /// A change during a resync of many objects.
    Resync,
    /// Writes at rest.
    Rest,
    /// Steps that are documents, compared with the same steps in Rust; what expressions cost; loading many steps.
    Documents,
    /// A hundred thousand objects: rates, latency, memory, a restart. Only if it is asked for: it takes about 15 minutes.
    Huge,
}

/// How many objects and changes each part takes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Objects whose writes are counted.
    pub writes: u32,
    /// Links of the chain.
    pub chain: u32,
    /// Objects of the rates.
    pub rate: u32,
    /// The same for kopf.
    pub kopf: u32,
    /// Changes whose latency is measured.
    pub changes: u32,
    /// Few objects.
    pub few: u32,
    /// Many objects.
    pub many: u32,
    /// Very many objects.
    pub huge: u32,
    /// How many of these are updated and deleted.
    pub sample: u32,
    /// Objects of the steps that are documents.
    pub documents: u32,
    /// How often these are measured on the control plane.
    pub document_rounds: u32,
    /// How often expressions are evaluated.
    pub evaluations: u32,
    /// How many steps are loaded.
    pub loaded: u32,
    /// Objects at rest.
    pub resting: u32,
    /// For how long.
    pub rest: Duration,
}

impl Options {
    /// Returns whether a part is to be measured.
    #[must_use]
    pub fn wants(&self, part: Part) -> bool {
        self.only.contains(&part) || (self.only.is_empty() && part != Part::Huge)
    }

    /// Returns the sizes to be used.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let sizes = if self.quick { QUICK } else { FULL };
        let rest = self.rest.map_or(sizes.rest, Duration::from_secs);
        let (rate, huge) = (self.objects.unwrap_or(sizes.rate), self.huge.unwrap_or(sizes.huge));
        let many = self.many.unwrap_or(sizes.many);
        Sizes { rest, rate, many, huge, sample: sizes.sample.min(huge), ..sizes }
    }
}

const FULL: Sizes = Sizes {
    writes: 200,
    chain: 100,
    rate: 2_000,
    kopf: 500,
    changes: 300,
    few: 1_000,
    many: 10_000,
    huge: 100_000,
    sample: 10_000,
    documents: 2_000,
    document_rounds: 5,
    evaluations: 100_000,
    loaded: 1_000,
    resting: 1_000,
    rest: Duration::from_secs(600),
};

const QUICK: Sizes = Sizes {
    writes: 20,
    chain: 10,
    rate: 100,
    kopf: 10,
    changes: 20,
    few: 50,
    many: 200,
    huge: 400,
    sample: 100,
    documents: 100,
    document_rounds: 1,
    evaluations: 1_000,
    loaded: 20,
    resting: 50,
    rest: Duration::from_secs(3),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen() {
        let options = Options::parse_from(["xos-bench", "--only", "rate,chain", "--rest", "7"]);
        assert!(options.wants(Part::Rate) && options.wants(Part::Chain) && !options.wants(Part::Rest));
        assert_eq!(options.sizes().rest, Duration::from_secs(7));
        let all = Options::parse_from(["xos-bench"]);
        assert!(all.wants(Part::Rest) && !all.wants(Part::Huge));
        assert!(Options::parse_from(["xos-bench", "--only", "huge"]).wants(Part::Huge));
    }
}
