use crate::diagnostics::sink::Sink;
use crate::model::ModelSet;
use std::collections::HashSet;
pub(crate) fn check(_models: &ModelSet, _broken: &HashSet<String>, _sink: &mut Sink) {}
