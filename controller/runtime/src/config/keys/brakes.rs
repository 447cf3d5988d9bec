//! The keys of `brakes`: what is held until somebody confirms it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xos_model::brake::{Brakes, ListingBrake};

/// `brakes`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct BrakeKeys {
    /// For the listings of pull steps.
    pub(in crate::config) pull: ListingKeys,
    /// For the listings of single pull steps, by the name of the step: what differs from `pull`.
    pub(in crate::config) pull_steps: BTreeMap<String, ListingKeys>,
    /// The number of other objects that a deletion may take along without being held.
    pub(in crate::config) cascade: usize,
}

/// `brakes.pull` and `brakes.pull_steps.<step>`: deletions are held that are more than both limits.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct ListingKeys {
    /// The number of objects that a listing may delete at once.
    pub(in crate::config) objects: Option<usize>,
    /// The share of the objects created from a listing that it may delete at once.
    #[schemars(range(min = 0, max = 1))]
    pub(in crate::config) share: Option<f64>,
    /// After how many repetitions the same listing confirms itself; 0: never.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub(in crate::config) repeats: Option<u32>,
}

impl From<ListingBrake> for ListingKeys {
    fn from(brake: ListingBrake) -> Self {
        Self { objects: Some(brake.objects), share: Some(brake.share), repeats: Some(brake.repeats) }
    }
}

impl ListingKeys {
    fn or(self, defaults: ListingBrake) -> ListingBrake {
        ListingBrake {
            objects: self.objects.unwrap_or(defaults.objects),
            share: self.share.unwrap_or(defaults.share),
            repeats: self.repeats.unwrap_or(defaults.repeats),
        }
    }
}

impl From<Brakes> for BrakeKeys {
    fn from(brakes: Brakes) -> Self {
        let steps = brakes.steps.into_iter().map(|(step, brake)| (step, brake.into()));
        Self { pull: brakes.listing.into(), pull_steps: steps.collect(), cascade: brakes.cascade }
    }
}

impl Default for BrakeKeys {
    /// Returns the defaults of the engine.
    fn default() -> Self {
        Brakes::default().into()
    }
}

impl BrakeKeys {
    /// Returns the brakes; what a step does not say is as for all.
    pub(in crate::config) fn brakes(&self) -> Brakes {
        let listing = self.pull.or(ListingBrake::default());
        let steps = self.pull_steps.iter().map(|(step, keys)| (step.clone(), keys.or(listing)));
        Brakes { listing, steps: steps.collect(), cascade: self.cascade }
    }
}
