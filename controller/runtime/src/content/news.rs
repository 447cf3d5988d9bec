//! What is said of an object: pure.

use xos_kinds::{Accepted, ModelSetSpec, News, ObjectKind, Told as Says, reasons};

use super::choose::{Refused, Spec, Verdict, Version};
use super::cluster::{Seen, Told};

/// The findings that a message names.
const NAMED: usize = 3;

/// Why a deletion waits, or what it is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaving {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// Whether it goes on by itself.
    pub(super) goes_on: bool,
}

/// Returns what there is to say of an object. `counts` are the stored objects of its kinds, if they are known.
pub(super) fn news(seen: &Seen, told: &Told, counts: Option<&[(String, u64)]>, leaving: Option<Leaving>) -> News {
    let is_set = seen.id.kind == ObjectKind::ModelSet;
    let Verdict { in_force, refused } = &told.verdict;
    let accepted = match refused {
        Some(refused) => Says::new(false, refused.reason, refusal(refused, in_force.as_ref())),
        // It was accepted, and goes.
        None if told.is_out => Says::new(true, reasons::ACCEPTED, "it was accepted, and is being deleted"),
        None => Says::new(true, reasons::ACCEPTED, works(&seen.now.spec)),
    };
    let established = is_set.then(|| match in_force {
        Some(version) => Says::new(
            true,
            reasons::ESTABLISHED,
            format!("the definitions of generation {} are applied", version.generation),
        ),
        None => Says::new(false, reasons::NOTHING_ACCEPTED, "no generation of it works"),
    });
    let changes = refused.as_ref().map(|refused| &refused.changes).filter(|changes| !changes.is_empty());
    News {
        generation: told.generation,
        accepted,
        established,
        in_use: is_set.then(|| in_use(counts)),
        goes_on: leaving.as_ref().is_some_and(|leaving| leaving.goes_on),
        leaving: leaving.map(|leaving| Says::new(false, leaving.reason, leaving.message)),
        diagnostics: refused.as_ref().map(|refused| refused.findings.clone()).unwrap_or_default(),
        changes: changes.unwrap_or(&told.changes).clone(),
        in_force: in_force.as_ref().and_then(accepted_as),
    }
}

/// Returns a generation as status keeps it.
fn accepted_as(version: &Version) -> Option<Accepted> {
    let spec = match &version.spec {
        Spec::Models(spec) => serde_json::to_string(&**spec),
        Spec::Document(spec) => serde_json::to_string(&**spec),
    };
    Some(Accepted { generation: version.generation, spec: spec.ok()? })
}

fn works(spec: &Spec) -> String {
    match spec {
        Spec::Models(spec) => {
            let ModelSetSpec { xprotos, version, .. } = &**spec;
            let version = version.as_ref().map(|version| format!(" of version {version}")).unwrap_or_default();
            format!("its models{version} work ({})", xprotos.keys().cloned().collect::<Vec<_>>().join(", "))
        }
        Spec::Document(_) => "it fits the models, and works".to_owned(),
    }
}

fn refusal(refused: &Refused, in_force: Option<&Version>) -> String {
    let errors: Vec<_> = refused.findings.iter().filter(|finding| finding.is_error()).collect();
    let mut lines: Vec<_> = errors.iter().take(NAMED).map(|finding| finding.line()).collect();
    if errors.len() > NAMED {
        lines.push(format!("and {} more", errors.len() - NAMED));
    }
    let why = refused.message.clone().unwrap_or_else(|| lines.join("; "));
    match in_force {
        Some(version) => format!("{why}; generation {} goes on", version.generation),
        None => why,
    }
}

fn in_use(counts: Option<&[(String, u64)]>) -> Says {
    match counts {
        None => {
            Says { holds: None, reason: reasons::NOT_COUNTED, message: "its objects were not counted yet".to_owned() }
        }
        Some([]) => Says::new(false, reasons::NO_OBJECTS, "there are no objects of its models"),
        Some(counts) => {
            let told: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            Says::new(true, reasons::IN_USE, format!("there are objects: {}", told.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use xos_kinds::{Finding, Id, ModelSetStatus};

    use super::*;

    fn seen(spec: Spec, kind: ObjectKind) -> Seen {
        let id = Id { kind, name: "a".to_owned() };
        let now = Version { generation: 2, spec };
        let status = ModelSetStatus::default();
        Seen { id, uid: "u".to_owned(), now, is_leaving: false, finalizers: vec![], status }
    }

    fn told(verdict: Verdict) -> Told {
        let (changes, kinds, needed_by) = (vec![], vec![], vec![]);
        Told { uid: "u".to_owned(), generation: 2, verdict, changes, kinds, needed_by, is_out: false }
    }

    fn set() -> Seen {
        let spec: ModelSetSpec = serde_json::from_value(json!({"xprotos": {"a.xproto": ""}, "version": "1"})).unwrap();
        seen(Spec::Models(Arc::new(spec)), ObjectKind::ModelSet)
    }

    #[test]
    fn a_refusal_names_the_first_errors_and_what_goes_on() {
        let seen = set();
        let finding = |line| Finding {
            file: Some("a.xproto".to_owned()),
            line: Some(line),
            column: Some(1),
            ..Finding::error(None, "wrong".to_owned())
        };
        let findings = (1..=5).map(finding).collect();
        let refused = Refused { reason: "ModelsInvalid", message: None, findings, changes: vec![] };
        let before = Version { generation: 1, ..seen.now.clone() };
        let news = news(&seen, &told(Verdict { in_force: Some(before), refused: Some(refused) }), None, None);
        let expected =
            "a.xproto:1:1: wrong; a.xproto:2:1: wrong; a.xproto:3:1: wrong; and 2 more; generation 1 goes on";
        assert_eq!((news.accepted.message.as_str(), news.diagnostics.len()), (expected, 5));
        assert_eq!(news.established.unwrap().holds, Some(true));
        let accepted = news.in_force.unwrap();
        assert_eq!(accepted.generation, 1);
        let again: ModelSetSpec = serde_json::from_str(&accepted.spec).unwrap();
        assert_eq!(Spec::Models(Arc::new(again)), seen.now.spec, "nothing of it is lost");
    }

    #[test]
    fn what_works_is_ready_whether_there_are_objects_or_not() {
        let seen = set();
        let works = told(Verdict { in_force: Some(seen.now.clone()), refused: None });
        let used = news(&seen, &works, Some(&[("Site".to_owned(), 2)]), None);
        assert_eq!(used.in_use.unwrap().message, "there are objects: 2 Site");
        assert_eq!(used.accepted.message, "its models of version 1 work (a.xproto)");
        assert_eq!(news(&seen, &works, Some(&[]), None).in_use.unwrap().holds, Some(false));
        let step = self::seen(Spec::Document(Arc::new(json!({"model": "A"}))), ObjectKind::ALL[1]);
        let works = told(Verdict { in_force: Some(step.now.clone()), refused: None });
        let of_step = news(&step, &works, None, None);
        assert_eq!((of_step.in_use, of_step.established), (None, None));
    }
}
