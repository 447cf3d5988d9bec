//! The models of XOS's core, for sets that build on them: they come with the compiler.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, OptionError};
use crate::model::{ExprKind, RawOption, TermKind, XOS_BASE};
use crate::nearest::nearest;
use crate::parse::parse;
use crate::source::{CORE, SourceId, Sources};
use crate::tree::{File, Member, Message};

/// The word for all models of the core, in option `uses` and in [`Sources::add_uses`].
pub const ALL: &str = "core";

/// The models that the core's access policies are about.
const OF_ACCESS: [&str; 2] = ["User", "Privilege"];

/// Adds the core's messages that the files name and do not declare, with all that these need. Returns the names.
///
/// Their access policies are left out where the files do not name `User` and `Privilege`: they are about these, which the
/// set of a service does not need.
pub(super) fn add<'a>(files: &mut Vec<File<'a>>, sources: &'a Sources, sink: &mut Sink) -> BTreeSet<&'a str> {
    let named = named_by(files, sources, sink);
    if named.is_empty() {
        return named;
    }
    let Some(source) = sources.get(SourceId::CORE) else { return named };
    let mut core = parse(SourceId::CORE, source, sink);
    // XOSBase is another built-in file's, or the set's own.
    core.messages.retain(|message| message.name.text != XOS_BASE);
    let used = reachable(&core.messages, named.iter().copied().collect());
    core.messages.retain(|message| used.contains(message.name.text));
    if core.messages.is_empty() {
        return named;
    }
    if !OF_ACCESS.iter().all(|name| named.contains(name)) {
        core.messages.iter_mut().for_each(|message| message.policy = None);
    }
    keep_needed(&mut core);
    // After the built-in base, if it is there, and before the files of the set.
    let is_base = |file: &File<'_>| file.messages.iter().any(|message| message.name.span.source.is_built_in());
    files.insert(usize::from(files.first().is_some_and(is_base)), core);
    named
}

/// Returns the core's models that the files name and do not declare: as bases, peers, owners, in quantifiers, or in
/// option `uses`.
fn named_by<'a>(files: &[File<'_>], sources: &Sources, sink: &mut Sink) -> BTreeSet<&'a str> {
    let messages = || files.iter().flat_map(|file| &file.messages);
    let declared: HashSet<_> = messages().map(|message| message.name.text).collect();
    let quantified = files.iter().flat_map(quantified).collect::<HashSet<_>>();
    let options = files.iter().flat_map(|file| &file.options).chain(messages().flat_map(|message| &message.options));
    let owners = options.filter(|option| option.name == "owner_class_name").map(|option| option.value.as_str());
    let mut wanted: HashSet<&str> = messages().flat_map(named).chain(owners).chain(sources.uses()).collect();
    wanted.extend(quantified.iter().map(String::as_str));
    for option in files.iter().flat_map(|file| &file.options).filter(|option| option.name == USES) {
        for name in option.value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let is_known = name == ALL || declared.contains(name) || names().any(|known| known == name);
            if !is_known {
                report_unknown(name, option, sink);
            }
            wanted.insert(name);
        }
    }
    let is_wanted = |name: &&str| wanted.contains(ALL) || wanted.contains(name);
    names().filter(is_wanted).filter(|name| !declared.contains(name)).collect()
}

/// Reports `X436`: option `uses` names no model of the core.
fn report_unknown(name: &str, option: &RawOption, sink: &mut Sink) {
    let unknown =
        |suggestion| Diagnostic::new(OptionError::UnknownUse { name: name.to_owned(), suggestion }, option.value_span);
    sink.push_with(|| unknown(nearest(name, names().chain([ALL]))), || unknown(None));
}

/// The option of a file that names models of the core.
pub(super) const USES: &str = "uses";

static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let heads = CORE.lines().filter_map(|line| line.strip_prefix("message "));
    let names = heads.filter_map(|head| head.split([' ', ':']).next());
    // XOSBase has a built-in file of its own.
    names.filter(|name| *name != XOS_BASE).collect()
});

/// Returns the names of the models of XOS's core, which come with the compiler.
pub fn names<'a>() -> impl Iterator<Item = &'a str> {
    NAMES.iter().copied()
}

/// Returns the names of a message's bases and peers.
fn named<'a, 'm>(message: &'m Message<'a>) -> impl Iterator<Item = &'a str> + use<'a, 'm> {
    let peers = message.members.iter().filter_map(|member| match member {
        Member::Link(link) => Some(link.peer.text),
        Member::Field(_) => None,
    });
    message.bases.iter().map(|base| base.text).chain(peers)
}

/// Returns the models that the quantifiers of a file's policies name.
fn quantified(file: &File<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for expr in file.policies.iter().filter_map(|policy| policy.expr.as_ref()) {
        expr.walk(&mut |expr| {
            if let ExprKind::Exists(quantifier) | ExprKind::Forall(quantifier) = &expr.kind {
                found.push(quantifier.model.clone());
            }
        });
    }
    found
}

/// Returns the names of all messages that `wanted` leads to by bases and links.
fn reachable<'a>(messages: &[Message<'a>], mut wanted: Vec<&'a str>) -> HashSet<&'a str> {
    let by_name: HashMap<_, _> = messages.iter().map(|message| (message.name.text, message)).collect();
    let mut found = HashSet::new();
    while let Some(name) = wanted.pop() {
        if let Some(message) = by_name.get(name).filter(|_| found.insert(name)) {
            wanted.extend(named(message));
        }
    }
    found
}

/// Keeps the policies that validators and messages name, with those that they call.
fn keep_needed(core: &mut File<'_>) {
    let options = core.messages.iter().flat_map(|message| &message.options);
    let validators = options.filter(|option| option.name == "validators").flat_map(|option| option.value.split(','));
    let mut wanted: Vec<_> = validators.filter_map(|part| Some(part.split(':').next()?.trim().to_owned())).collect();
    wanted.extend(core.messages.iter().filter_map(|message| Some(message.policy.as_ref()?.text.to_owned())));
    let mut kept = HashSet::new();
    while let Some(name) = wanted.pop() {
        let policy = core.policies.iter().find(|policy| policy.name.text == name);
        let Some(expr) = policy.and_then(|policy| policy.expr.as_ref()).filter(|_| kept.insert(name)) else { continue };
        expr.walk(&mut |expr| {
            wanted.extend(expr.terms().filter_map(|term| match &term.kind {
                TermKind::Call(call) => Some(call.policy.clone()),
                _ => None,
            }));
        });
    }
    core.policies.retain(|policy| kept.contains(policy.name.text));
}

#[cfg(test)]
mod tests {
    use crate::model::Compiled;
    use crate::source::Sources;
    use crate::{compile, render};

    fn compiled(text: &str) -> (Sources, Compiled) {
        let mut sources = Sources::new();
        sources.add("mine.xproto", format!("option app_label = \"mine\"; option name = \"mine\";\n{text}"));
        let compiled = compile(&sources);
        (sources, compiled)
    }

    fn names(compiled: &Compiled) -> Vec<&str> {
        compiled.models.iter().map(|model| model.name.as_str()).collect()
    }

    fn kinds(compiled: &Compiled) -> Vec<&str> {
        compiled.models.concrete().map(|model| model.name.as_str()).collect()
    }

    #[test]
    fn kinds_are_what_the_set_declares_and_names() {
        let table = [
            ("message A (XOSBase) {}", vec!["A"]),
            ("message A (Service) {}", vec!["Service", "A"]),
            ("message A (ServiceInstance) {}", vec!["ServiceInstance", "A"]),
            ("message S (Service) {} message A (ServiceInstance) {}", vec!["Service", "ServiceInstance", "S", "A"]),
            // What a named model inherits from is named with it, what it leads to is not.
            ("message A (ComputeServiceInstance) {}", vec!["ServiceInstance", "ComputeServiceInstance", "A"]),
            ("message A (XOSBase) { optional manytoone s->Slice:as = 1; }", vec!["Slice", "A"]),
            ("message A (XOSBase) { option owner_class_name = \"Service\"; }", vec!["Service", "A"]),
            (
                "option uses = \"Slice, ServiceInstanceLink\"; message A (XOSBase) {}",
                vec!["Slice", "ServiceInstanceLink", "A"],
            ),
            ("policy p < exists Role: (Role.id = obj.id) > message A::p (XOSBase) {}", vec!["Role", "A"]),
            // A policy that follows a link reads its peer.
            (
                "policy p < obj.owner.site.name = \"x\" >
              message A (ServiceInstance) { option validators = \"p:no\"; }",
                vec!["Site", "Service", "ServiceInstance", "A"],
            ),
            (
                "message A (Service) { option validators = \"p:{obj.site.name} it is\"; } policy p < obj.enabled >",
                vec!["Site", "Service", "A"],
            ),
            (
                "policy p < *q(obj.site) > policy q < obj.abbreviated_name = \"x\" >
              message A (Service) { option validators = \"p:no\"; }",
                vec!["Site", "Service", "A"],
            ),
        ];
        for (text, expected) in table {
            let (_, compiled) = compiled(text);
            assert_eq!(compiled.errors(), 0, "{text}: {:?}", compiled.diagnostics);
            assert_eq!(kinds(&compiled), expected, "{text}");
            let referred = compiled.models.iter().filter(|model| model.is_referred);
            assert!(referred.clone().all(|model| model.is_built_in() && !model.has_objects()), "{text}");
        }
    }

    #[test]
    fn all_of_the_core_is_there_for_those_who_say_so() {
        let (_, compiled) = compiled("option uses = \"core\"; message A (XOSBase) {}");
        assert_eq!((kinds(&compiled).len(), compiled.errors()), (35, 0), "34 of the core, and A");
        let mut sources = Sources::new();
        sources.add("mine.xproto", "option app_label = \"mine\"; message A (XOSBase) {}");
        sources.add_uses(["Site", "Nothing"]);
        assert_eq!(kinds(&compile(&sources)), ["Site", "A"], "names of other services are not the core's");
        sources.add_uses(["core"]);
        assert_eq!(kinds(&compile(&sources)).len(), 35);
    }

    #[test]
    fn a_misspelt_use_is_an_error() {
        let (sources, compiled) = compiled("option uses = \"Slise\"; message A (XOSBase) {}");
        let shown: String = compiled.diagnostics.iter().map(|one| render(one, &sources, false)).collect();
        assert!(shown.contains("X436") && shown.contains("did you mean `Slice`?"), "{shown}");
    }

    #[test]
    fn more_may_be_named_later() {
        let (_, compiled) = compiled("message A (ServiceInstance) {}");
        assert_eq!(names(&compiled), ["XOSBase", "Site", "Service", "ServiceInstance", "A"]);
        let models = compiled.models.naming(["Service", "Nothing", "A"]);
        let kinds: Vec<_> = models.concrete().map(|model| model.name.as_str()).collect();
        assert_eq!(kinds, ["Service", "ServiceInstance", "A"]);
        assert_eq!(models.of_class("Site").count(), 0);
    }

    #[test]
    fn a_set_gets_the_core_models_that_it_needs() {
        let table = [
            ("message A (XOSBase) {}", vec!["XOSBase", "A"]),
            ("message A (XOSBase) { optional manytoone site->Site:as = 1; }", vec!["XOSBase", "Site", "A"]),
            ("message A (ServiceInstance) {}", vec!["XOSBase", "Site", "Service", "ServiceInstance", "A"]),
            ("policy p < exists Role: (Role.id = obj.id) > message A::p (XOSBase) {}", vec!["XOSBase", "Role", "A"]),
        ];
        for (text, expected) in table {
            let (sources, compiled) = compiled(text);
            let shown: Vec<_> = compiled.diagnostics.iter().map(|one| render(one, &sources, false)).collect();
            assert!(shown.is_empty(), "{text}: {shown:?}");
            assert_eq!(names(&compiled), expected, "{text}");
            assert!(compiled.models.iter().all(|model| model.is_built_in() == (model.name != "A")));
        }
    }

    #[test]
    fn validators_come_along_and_access_policies_do_not() {
        let (_, compiled) = compiled("message A (XOSBase) { required manytoone slice->Slice:as = 1; }");
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        let policies: Vec<_> = compiled.models.policies().map(|policy| policy.name.as_str()).collect();
        assert_eq!(policies, ["slice_name_no_spaces"]);
        let slice = compiled.models.get("Slice").unwrap();
        assert_eq!((slice.access_policy.as_deref(), slice.app_label.as_str()), (None, "core"));
        assert!(compiled.models.get("Privilege").is_none());
    }

    #[test]
    fn access_policies_come_along_with_users_and_privileges() {
        for (uses, expected) in [
            ("Slice, User", None),
            ("Slice, Privilege", None),
            ("Slice, User, Privilege", Some("slice_policy")),
            ("core", Some("slice_policy")),
        ] {
            let (sources, compiled) = compiled(&format!("option uses = \"{uses}\"; message A (XOSBase) {{}}"));
            let shown: Vec<_> = compiled.diagnostics.iter().map(|one| render(one, &sources, false)).collect();
            assert!(shown.is_empty(), "{uses}: {shown:?}");
            let slice = compiled.models.get("Slice").unwrap();
            assert_eq!(slice.access_policy.as_deref(), expected, "{uses}");
            let has = |name: &str| compiled.models.policy(name).is_some();
            assert_eq!((has("slice_policy"), has("site_policy")), (expected.is_some(), expected.is_some()), "{uses}");
        }
    }

    #[test]
    fn a_misspelt_name_suggests_the_cores() {
        let (sources, compiled) = compiled("message A (ServiceInstanse) { optional manytoone slice->Slise:as = 1; }");
        let shown: String = compiled.diagnostics.iter().map(|one| render(one, &sources, false)).collect();
        assert!(
            shown.contains("did you mean `ServiceInstance`?") && shown.contains("did you mean `Slice`?"),
            "{shown}"
        );
    }

    #[test]
    fn a_message_of_a_core_models_name_is_a_second_one() {
        let (sources, compiled) = compiled("message A (ServiceInstance) {} message Site (XOSBase) {}");
        let [only] = compiled.diagnostics.as_slice() else { panic!("{:?}", compiled.diagnostics) };
        let text = render(only, &sources, false);
        assert!(text.contains("core.xproto") && text.contains("first declared here"), "{text}");
    }

    #[test]
    fn a_set_that_declares_the_names_itself_gets_nothing() {
        let (_, compiled) = compiled("message Service (XOSBase) {} message A (Service) {}");
        assert_eq!(names(&compiled), ["XOSBase", "Service", "A"]);
        assert_eq!(compiled.models.get("Service").unwrap().app_label, "mine");
    }
}
