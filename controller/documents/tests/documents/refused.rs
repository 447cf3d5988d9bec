//! Documents that are refused: what is told, and where.

use xos_documents::{Documents, Folder, read};

use super::{document, models};

/// Returns all that is wrong with a document: `code line:column message (help)`.
fn faults(text: &str) -> Vec<String> {
    let found = Documents::of(&[("a.yaml", text)]).compile(&models()).err().unwrap_or_default();
    found
        .iter()
        .map(|one| format!("{} {}", one.code().as_str(), one.to_string().trim_start_matches("a.yaml:")))
        .collect()
}

fn sync(more: &str) -> String {
    document("SyncStep", "s", &format!("model: Person\nhttp:\n  url: http://x\n{more}"))
}

fn ansible(spec: &str) -> String {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    document("SyncStep", "s", &format!("model: Person\nansible:\n{spec}"))
}

fn kubernetes(spec: &str) -> String {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    document("SyncStep", "s", &format!("model: Person\nkubernetes:\n{spec}"))
}

#[test]
fn each_fault_has_its_place_and_what_was_meant() {
    let table = [
        (
            document("SyncStp", "s", "{}"),
            "D003 2:7: a document of kind `SyncStp` is none of SyncStep, ModelPolicy, PullStep and EventStep (did you mean `SyncStep`?)",
        ),
        (sync("resinc: 10h"), "D008 8:3: unknown key `spec.resinc` (did you mean `spec.resync`?)"),
        (
            sync("resync: soon"),
            "D006 8:11: `spec.resync` cannot be `soon`: expected `off`, or a duration such as `10h` or `1h 30m`",
        ),
        (sync("concurrency: many"), "D005 8:16: `spec.concurrency` should be a whole number, not a text"),
        (
            document("SyncStep", "s", "model: Persn\nhttp: {url: http://x}"),
            "D010 5:10: there is no model `Persn` (did you mean `Person`?)",
        ),
        (
            document("SyncStep", "s", "model: Person"),
            "D013 5:3: a sync step needs exactly one of `http`, `exec`, `grpc`, `kubernetes` and `ansible`, and has 0",
        ),
        (
            document("SyncStep", "s", "model: Person\ngrpc: {address: localhost}"),
            "D020 6:19: `localhost` is no address of a step server: write `host:port`, or `unix:/path`",
        ),
        (
            document("SyncStep", "s", "model: Person\ngrpc: {address: \"${self.name}:1\"}"),
            "D009 6:22: `self` is not known here (known here: settings)",
        ),
        (
            document("ModelPolicy", "p", "model: Person\nset: {title: Dr}\ngrpc: {address: \"a:1\"}"),
            "D021 6:8: `set` has no effect beside `grpc`: that is the step server's work (remove it)",
        ),
        (
            document("EventStep", "e", "topics: [t]\ngrpc: {address: \"a:1\", tls: {certificate: x}}"),
            "D022 6:31: `certificate` needs a `key`",
        ),
        (
            document("EventStep", "e", "topics: [t]\nkey: [name]\nfields: {name: x}"),
            "D007 5:3: `spec.model` is missing",
        ),
        (document("SyncStep", "s", "model: Person\nexec: {command: [x]}"), "D007 6:9: `spec.exec.delete` is missing"),
        (
            document("SyncStep", "s", "model: Person\nexec: {command: [\"${self.nmae}\"], delete: nothing}"),
            "D009 6:28: model Person has no field or link `nmae`",
        ),
        (
            kubernetes("apply: [{id: a-b, object: {apiVersion: v1, kind: Pod, metadata: {name: x}}}]"),
            "D023 7:18: `a-b` cannot be a name in expressions (use letters, digits and `_` only, with a letter or `_`",
        ),
        (
            kubernetes("read: {1st: {apiVersion: v1, kind: Pod, name: x}}"),
            "D023 7:12: `1st` cannot be a name in expressions",
        ),
        (
            kubernetes(
                "apply: [{id: a, object: {apiVersion: v1, kind: Pod, metadata: {name: x}}}, {id: a, object: {apiVersion: v1, kind: Pod, metadata: {name: y}}}]",
            ),
            "D024 7:85: there is another object with the id `a` (give one of them another id)",
        ),
        (
            kubernetes("apply: [{id: a, object: {apiVersion: v1, kind: \"${self.name}\", metadata: {name: x}}}]"),
            "D017 7:52: `spec.kubernetes.apply[0].object.kind` cannot have an expression",
        ),
        (
            kubernetes("apply: [{id: a, object: {apiVersion: v1, kind: Pod, metadata: {}}}]"),
            "D007 7:67: `spec.kubernetes.apply[0].object.metadata.name` is missing",
        ),
        (
            kubernetes("apply: [{id: a, object: {kind: Pod, metadata: {name: x}}}]"),
            "D007 7:29: `spec.kubernetes.apply[0].object.apiVersion` is missing",
        ),
        (
            kubernetes("apply: [{id: a, object: {apiVersion: v1, kind: 7, metadata: {name: x}}}]"),
            "D005 7:52: `spec.kubernetes.apply[0].object.kind` should be a text, not a number",
        ),
        (
            kubernetes(
                "apply: [{id: web, object: {apiVersion: v1, kind: Pod, metadata: {name: x}}}]\nfields: {state: \"${applied.wbe}\"}",
            ),
            "D009 8:32: the map `applied` has no `wbe` (did you mean `web`?)",
        ),
        (
            kubernetes("read: {a: {apiVersion: v1, kind: Pod, name: x, selector: y}}"),
            "D013 7:15: `spec.kubernetes.read.a` needs exactly one of `name` and `selector`, and has 2",
        ),
        (
            kubernetes("read: {a: {apiVersion: \"${settings.v}\", kind: Pod, name: x}}"),
            "D017 7:28: `spec.kubernetes.read.a.apiVersion` cannot have an expression",
        ),
        (
            ansible("playbook: none.yaml\ndelete: nothing"),
            "D025 7:15: none.yaml cannot be used: No such file or directory",
        ),
        (
            ansible("inline: \"hosts: all\"\ndelete: nothing"),
            "D025 7:13: the playbook cannot be used: it should be a list",
        ),
        (
            ansible("inline: \"[{hosts: all}]\"\nplaybook: x\ndelete: nothing"),
            "D013 7:5: a playbook needs exactly one of `playbook` and `inline`, and has 2",
        ),
        (
            ansible("inline: \"[{hosts: all}]\"\ninventory: {host: \"${self.hots}\"}\ndelete: nothing"),
            "D009 8:31: model Person has no field or link `hots`",
        ),
        (ansible("inline: \"[{hosts: all}]\""), "D007 7:5: `spec.ansible.delete` is missing"),
        (
            sync("  auth: {basic: {secretRef: {name: \"${self.name}\"}}}"),
            "D017 8:38: `auth.basic.secretRef.name` cannot have an expression",
        ),
        (
            sync("  auth: {bearer: {secretKeyRef: {name: a}}}"),
            "D007 8:35: `spec.http.auth.bearer.secretKeyRef.key` is missing",
        ),
        (sync("  auth: {basic: {username: a}}"), "D007 8:19: `auth.basic.password` is missing"),
        (sync("  tls: {ca: \"${settings.ca}\"}"), "D017 8:15: `ca` cannot have an expression"),
        (
            document("PullStep", "p", "model: Person\nhttp: {url: x}\nkey: [name]\nfields: {name: x}"),
            "D007 5:3: `spec.items` is missing",
        ),
        (
            document("PullStep", "p", "model: Person\nitems: \"${[]}\"\nkey: [name]\nfields: {name: x}"),
            "D013 5:3: a pull step needs exactly one of `http`, `exec` and `kubernetes`, and has 0",
        ),
        (
            sync("  body: {a: \"${self.nmae}\"}"),
            "D009 8:23: model Person has no field or link `nmae` (did you mean `name`?)",
        ),
        (
            sync("  fields: {direktory_id: x}"),
            "D011 8:14: model Person has no field or link `direktory_id` (did you mean `directory_id`?)",
        ),
        (sync("  fields: {enacted: x}"), "D012 8:14: `enacted` belongs to the framework: it cannot be set (remove it)"),
        (
            sync("  fields: {age: \"${self.name}\"}"),
            "D009 8:19: `age` is of type int, and cannot be a value of type string",
        ),
        (
            sync("  fields: {site: \"${self}\"}"),
            "D009 8:20: `site` is a link to Site, and cannot be a value of type Person",
        ),
        (sync("when: ${self.name}"), "D009 8:9: this is of type string, and should be of type bool"),
        (sync("when: ${self.site.is_open}"), "D009 8:16: `site` leads to other objects, which are not known here"),
        (
            sync("when: ${self.age > 3"),
            "D009 8:9: this expression has no end `}` (write `$${` for a `${` that begins none)",
        ),
        (sync("when: ${1 +}"), "D009 8:1"),
        (
            sync("  method: POST"),
            "D015 8:13: how is what POST made removed, when the object is deleted? (add `delete: {url: …}`, or `delete: nothing`)",
        ),
        (
            sync("  method: SEND"),
            "D006 8:13: `spec.http.method` cannot be `SEND`: expected `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`",
        ),
        (
            sync("  delete: nothin"),
            "D006 8:13: `spec.http.delete` cannot be `nothin`: expected `nothing` (did you mean `nothing`?)",
        ),
        (
            sync("  delete: {ulr: x}"),
            "D008 8:14: unknown key `spec.http.delete.ulr` (did you mean `spec.http.delete.url`?)",
        ),
        (
            sync("  auth: {bearer: a, basic: {username: a, password: b}}"),
            "D013 8:11: `auth` needs exactly one of `basic` and `bearer`, and has 2",
        ),
        (
            sync("  answers: [{status: [409], then: defered}]"),
            "D006 8:37: `spec.http.answers[0].then` cannot be `defered`",
        ),
        (
            document("ModelPolicy", "p", "model: Person\ndo: [{when: \"${true}\"}]"),
            "D013 6:8: an action needs exactly one of `apply`, `touch` and `delete`, and has 0",
        ),
        (
            document("ModelPolicy", "p", "model: Person\ndo: [{touch: \"${self.name}\"}]"),
            "D009 6:16: `touch` needs an object or a list of objects, and this is of type string",
        ),
        (
            document(
                "ModelPolicy",
                "p",
                "model: Site\ndo: [{forEach: {in: \"${self.people}\", as: p}, touch: \"${p.sitte}\"}]",
            ),
            "D009 6:61: model Person has no field or link `sitte` (did you mean `site`?)",
        ),
        (
            document(
                "PullStep",
                "p",
                "model: Person\nhttp: {url: x}\nitems: ${response.body}\nkey: [name]\nfields: {state: x}",
            ),
            "D016 8:9: `name` is a part of `key`, and `fields` does not set it (add `name: ${…}` to `fields`)",
        ),
        (
            document("EventStep", "e", "model: Person\nkey: [name]\nfields: {name: \"${event.valeu}\"}\ntopics: [t]"),
            "D009 7:27: the event has no `valeu` (did you mean `value`?)",
        ),
        (
            document("EventStep", "e", "model: Person\nkey: [name]\nfields: {name: x}"),
            "D013 5:3: an event step needs exactly one of `topics` and `pattern`, and has 0",
        ),
        (
            document(
                "EventStep",
                "e",
                "model: Person\nkey: [name]\nfields: {name: x}\ntopics: [\"${settings.topic}\"]",
            ),
            "D017 8:12: `topics` cannot have an expression",
        ),
        ("a: b: c".to_owned(), "D002 1:5: this is not valid YAML"),
        (
            format!("{}---\n{}", sync(""), document("SyncStep", "s", "model: Site\nhttp: {url: x}")),
            "D014 9:1: there are two documents SyncStep named `s`; the other one is in a.yaml:1",
        ),
        (
            format!("{}---\n{}", sync(""), document("SyncStep", "t", "model: Person\nhttp: {url: x}")),
            "D018 13:10: the objects of Person are synchronized by `s` already",
        ),
    ];
    let mut wrong = vec![];
    for (text, expected) in table {
        let found = faults(&text);
        if found.len() != 1 || !found[0].starts_with(expected) {
            wrong.push(format!("{text}\nexpected {expected}\nfound    {}", found.join("\n         ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults(&sync("  body: {a: \"${self.nmae}\", b: \"${slef}\"}\nwhen: ${self.age}"));
    assert_eq!(found.len(), 3, "{found:#?}");
}

#[test]
fn each_code_is_explained_by_a_case() {
    // Those of the table; of the others a file is needed, or a fault of ours.
    let source = include_str!("refused.rs");
    for explanation in xos_documents::Problem::EXPLANATIONS {
        let code = explanation.code.as_str();
        let is_tested = source.contains(&format!("\"{code}")) || ["D001", "D004", "D019"].contains(&code);
        assert!(is_tested, "{code} has no case");
    }
}

#[test]
fn folders_are_read_with_those_below_and_a_document_in_the_wrong_one_is_told() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("steps");
    std::fs::create_dir_all(path.join("below")).unwrap();
    std::fs::write(path.join("below/a.yaml"), sync("")).unwrap();
    std::fs::write(path.join("README.md"), "no document").unwrap();
    let folder = Folder { key: "steps_dir", path: path.clone() };
    let steps = read(std::slice::from_ref(&folder)).unwrap().compile(&models()).unwrap();
    assert_eq!(steps.sync_steps.len(), 1);
    std::fs::write(
        path.join("b.yml"),
        document("PullStep", "p", "{model: Person, http: {url: x}, items: \"${[]}\", key: [name], fields: {name: x}}"),
    )
    .unwrap();
    let found = read(&[folder]).unwrap().compile(&models()).unwrap_err();
    assert_eq!(found[0].message(), "a PullStep does not belong in `steps_dir`");
    let gone = Folder { key: "steps_dir", path: root.path().join("none") };
    assert!(read(&[gone]).unwrap().is_empty());
}
