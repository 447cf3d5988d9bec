//! Compares what happened with what is expected.

mod calls;
mod ended;
mod objects;
mod saves;

use xos_testing::{Cluster, World};
use xos_xproto::ModelSet;
use xos_yaml::Node;

use crate::compare::Differences;
use crate::foreign::Kinds;
use crate::run::Happened;

/// What there is at the end of a stage.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) world: &'a World,
    pub(crate) cluster: &'a Cluster,
    pub(crate) models: &'a ModelSet,
    pub(crate) kinds: &'a Kinds,
}

/// Notes what is not as expected.
pub(crate) fn check(node: &Node, happened: &Happened, found: &Found<'_>, differences: &mut Differences) {
    let Found { world, models, kinds, .. } = *found;
    if let Some(expected) = node.at("calls") {
        calls::in_order(expected, &happened.asked, differences);
    }
    if let Some(expected) = node.at("callsInAnyOrder") {
        calls::in_any_order(expected, &happened.asked, differences);
    }
    if let Some(expected) = node.at("saves") {
        saves::check(expected, &happened.changes, (models, kinds), differences);
    }
    if let Some(expected) = node.at("events") {
        ended::events(expected, &happened.events, differences);
    }
    ended::pulls(node, world, differences);
    objects::check(node, found, differences);
}
