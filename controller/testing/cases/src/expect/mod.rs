//! Compares what happened with what is expected.

mod calls;
mod ended;
mod objects;
mod saves;

use xos_testing::World;
use xos_xproto::ModelSet;
use xos_yaml::Node;

use crate::compare::Differences;
use crate::run::Happened;

/// Notes what is not as expected.
pub(crate) fn check(node: &Node, happened: &Happened, world: &World, models: &ModelSet, differences: &mut Differences) {
    if let Some(expected) = node.at("calls") {
        calls::in_order(expected, &happened.asked, differences);
    }
    if let Some(expected) = node.at("callsInAnyOrder") {
        calls::in_any_order(expected, &happened.asked, differences);
    }
    if let Some(expected) = node.at("saves") {
        saves::check(expected, &happened.changes, models, differences);
    }
    if let Some(expected) = node.at("events") {
        ended::events(expected, &happened.events, differences);
    }
    ended::pulls(node, world, differences);
    objects::check(node, world, models, differences);
}
