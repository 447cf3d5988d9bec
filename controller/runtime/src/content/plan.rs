//! What taking up a service would change in the cluster, and whether that may be: asked before anything is changed.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Client;
use kube::api::{Api, PostParams};
use xos_crds::change::{Change, Refusal, Verdict};
use xos_crds::names::Names;
use xos_engine::install::{ExamineError, examine};
use xos_kinds::{Finding, Id, reasons};
use xos_xproto::ModelSet;

use super::choose::Refused;
use super::{Origin, Service};
use crate::config::{Config, Definitions};
use crate::rights::{Rule, of_models};

/// How many questions are asked at once.
const AT_ONCE: usize = 8;

/// What there is to know before a service is taken up.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What changes in definitions, by the set that declares their models.
    pub(super) changes: BTreeMap<Id, Vec<xos_kinds::Change>>,
    /// The sets that cannot be taken up as they are.
    pub(super) refused: BTreeMap<Id, Refused>,
    /// Why what is in folders, or in the program, cannot be taken up.
    pub(super) here: Option<String>,
}

/// Returns what there is to know. `asked` are the sets whose rights are looked at.
///
/// # Errors
/// When the API server does not say it.
pub(super) async fn plan(
    client: &Client,
    service: &Service,
    config: &Config,
    asked: &[Id],
) -> Result<Plan, ExamineError> {
    let mut plan = Plan::default();
    for id in asked {
        let missing = missing_rights(client, service, config, id).await;
        if !missing.is_empty() {
            plan.refused.insert(id.clone(), without_rights(&missing));
        }
    }
    if config.definitions == Definitions::Provided || !plan.refused.is_empty() {
        return Ok(plan);
    }
    let models = &service.registry.models;
    let of_definition: BTreeMap<_, _> = models.concrete().map(|model| (Names::of(model).definition(), model)).collect();
    let changes = examine(client, xos_crds::definitions(models)).await?;
    let mut of_here = vec![];
    for change in changes {
        let model = of_definition.get(&change.definition);
        match model.and_then(|model| service.declared.get(&model.name)) {
            Some(Origin::Object(id)) => plan.note(id, &change),
            Some(Origin::Here) | None if change.verdict() == Verdict::Refuse => of_here.push(change),
            Some(Origin::Here) | None => {}
        }
    }
    plan.here = (!of_here.is_empty()).then(|| Refusal(of_here).to_string());
    Ok(plan)
}

impl Plan {
    fn note(&mut self, id: &Id, change: &Change) {
        let told = xos_kinds::Change::of(change);
        match change.verdict() {
            Verdict::Unchanged => return,
            Verdict::Apply => {}
            Verdict::Refuse => {
                let entry = self.refused.entry(id.clone()).or_insert_with(|| Refused {
                    reason: reasons::DEFINITIONS_REFUSED,
                    message: None,
                    findings: vec![],
                    changes: vec![],
                });
                entry.findings.extend(breaking(&told));
            }
        }
        self.changes.entry(id.clone()).or_default().push(told);
        // All differences of a set that is refused are told, also the harmless ones.
        if let (Some(refused), Some(changes)) = (self.refused.get_mut(id), self.changes.get(id)) {
            refused.changes.clone_from(changes);
        }
    }
}

/// Returns what of a change forbids it.
fn breaking(change: &xos_kinds::Change) -> Vec<Finding> {
    let of_objects = change.differences.iter().filter_map(|one| {
        let message = match (one.objects, &one.named) {
            (Some(1), Some(named)) => format!("1 stored object would not comply: {named}"),
            (Some(count), Some(named)) => format!("{count} stored objects would not comply: {named}"),
            _ if one.effect == "conflict" => "the API server does not take this".to_owned(),
            _ => return None,
        };
        let help = "change these objects first, or keep the model as it was".to_owned();
        let message = format!("{}: {}: {message}", change.definition, one.difference);
        Some(Finding { help: Some(help), ..Finding::error(None, message) })
    });
    let unseen = change.unseen.as_ref().map(|why| {
        let breaking = change.differences.iter().filter(|one| one.effect == "breaking");
        let differences: Vec<_> = breaking.map(|one| one.difference.as_str()).collect();
        let (definition, differences) = (&change.definition, differences.join(", "));
        let message = format!("{definition}: {differences}: whether stored objects would break is not known: {why}");
        Finding::error(None, message)
    });
    of_objects.chain(unseen).collect()
}

/// Returns the rules that are missing for a set's own models.
async fn missing_rights(client: &Client, service: &Service, config: &Config, id: &Id) -> Vec<Rule> {
    let models: &ModelSet = &service.registry.models;
    let is_own = |name: &str| service.declared.get(name) == Some(&Origin::Object(id.clone()));
    let own: Vec<_> = models.concrete().filter(|model| is_own(&model.name)).collect();
    let applies = config.definitions == Definitions::Apply;
    let mut asked = vec![];
    for (rule, is_of_cluster) in of_models(&own, applies) {
        let everywhere = is_of_cluster || config.engine.namespaces.is_empty();
        let places = if everywhere { vec![None] } else { config.engine.namespaces.iter().map(Some).collect() };
        for place in places {
            for attributes in questions(&rule, place) {
                asked.push((rule.clone(), attributes));
            }
        }
    }
    let answers = stream::iter(asked).map(|(rule, attributes)| async move {
        let verb = attributes.verb.clone().unwrap_or_default();
        (!may(client, attributes).await).then_some((rule, verb))
    });
    let missing: Vec<_> = answers.buffered(AT_ONCE).filter_map(std::future::ready).collect().await;
    let mut rules: Vec<(Rule, Vec<String>)> = vec![];
    for (rule, verb) in missing {
        match rules.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, verbs)) if verbs.contains(&verb) => {}
            Some((_, verbs)) => verbs.push(verb),
            None => rules.push((rule, vec![verb])),
        }
    }
    rules.into_iter().map(|(rule, verbs)| rule.only(&verbs)).collect()
}

fn questions(rule: &Rule, namespace: Option<&String>) -> Vec<ResourceAttributes> {
    let names: Vec<Option<String>> =
        if rule.names().is_empty() { vec![None] } else { rule.names().iter().cloned().map(Some).collect() };
    let mut all = vec![];
    for resource in rule.resources() {
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, part)) => (resource.to_owned(), Some(part.to_owned())),
            None => (resource.clone(), None),
        };
        for name in &names {
            all.extend(rule.verbs().iter().map(|verb| ResourceAttributes {
                group: Some(rule.group().to_owned()),
                resource: Some(resource.clone()),
                subresource: subresource.clone(),
                name: name.clone(),
                namespace: namespace.cloned(),
                verb: Some((*verb).to_owned()),
                ..ResourceAttributes::default()
            }));
        }
    }
    all
}

/// Asks for a right. What cannot be asked is found out later.
async fn may(client: &Client, attributes: ResourceAttributes) -> bool {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await;
    answer.ok().and_then(|answer| answer.status).is_none_or(|status| status.allowed)
}

fn without_rights(missing: &[Rule]) -> Refused {
    let rules: Vec<_> = missing.iter().map(Rule::on_one_line).collect();
    let finding = |rule: &String| Finding::error(None, format!("this right is missing: {rule}"));
    let message = format!(
        "the synchronizer lacks rights: {}; with the chart, name the group in `clusterDocuments.groups`, else give it what \
         `xos rbac --group` prints",
        rules.join(", ")
    );
    Refused {
        reason: reasons::MISSING_RIGHTS,
        message: Some(message),
        findings: rules.iter().map(finding).collect(),
        changes: vec![],
    }
}
