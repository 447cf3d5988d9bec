//! Cases that hold, and what is told of those that do not.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use xos_cases::{Files, Service};
use xos_documents::{Documents, Folder};
use xos_xproto::{Sources, compile};

const MODELS: &str = r#"
option app_label = "t";
message Team (XOSBase) { required string name = 1 [max_length = 32]; }
message Person (XOSBase) {
    required string name = 1 [max_length = 32];
    optional manytoone team->Team:members = 2:1001;
    optional string login = 3 [max_length = 32, feedback_state = True];
    optional string state = 4 [max_length = 32, feedback_state = True];
    optional string password = 5 [max_length = 32, secret = True];
}"#;

const DOCUMENTS: &str = r#"
apiVersion: xos.opencord.org/v1
kind: SyncStep
metadata: {name: person}
spec:
  model: Person
  http:
    url: ${settings.url}/people/${self.metadata.name}
    query: {team: "${self.team == null ? '' : self.team.name}"}
    auth: {bearer: "${self.password == null ? 'none' : self.password}"}
    body: {name: "${self.name}"}
    fields: {login: "${response.body.login}"}
    wait: {until: "${response.body.state == 'up'}", every: 2s, for: 1h, fields: {state: "${response.body.state}"}}
---
apiVersion: xos.opencord.org/v1
kind: SyncStep
metadata: {name: team}
spec:
  model: Team
  exec:
    command: [/bin/team, put, "${self.metadata.name}"]
    input: {name: "${self.name}"}
    env: {LANG: C}
    delete: nothing
---
apiVersion: xos.opencord.org/v1
kind: EventStep
metadata: {name: seen}
spec:
  topics: [people]
  model: Person
  key: [name]
  fields: {name: "${event.value.who}", state: seen}
---
apiVersion: xos.opencord.org/v1
kind: PullStep
metadata: {name: list}
spec:
  model: Team
  every: 30s
  exec: {command: [/bin/team, list]}
  items: ${result.value}
  key: [name]
  fields: {name: "${item}"}
"#;

fn service() -> Service {
    service_of(DOCUMENTS)
}

/// Returns a service whose step for people does this.
fn with_step(how: &str) -> Service {
    let head = "apiVersion: xos.opencord.org/v1\nkind: SyncStep\nmetadata: {name: person}\nspec:\n  model: Person";
    service_of(&format!("{head}{how}"))
}

fn service_of(documents: &str) -> Service {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let steps = Documents::of(&[("steps.yaml", documents)]).compile(&compiled.models);
    let steps = steps.unwrap_or_else(|found| panic!("{}", found[0].render(false)));
    Service {
        name: "t".to_owned(),
        models: Arc::new(compiled.models),
        properties: xos_steps::Properties::none(),
        steps,
        settings: serde_json::from_str(r#"{"url": "https://d"}"#).unwrap(),
        options: xos_engine::Options::default(),
    }
}

/// Returns what is told of a case with this `spec`, as `line: message`.
fn told(spec: &str) -> Vec<String> {
    told_of(&service(), spec)
}

fn told_of(service: &Service, spec: &str) -> Vec<String> {
    let text = format!("apiVersion: xos.opencord.org/v1\nkind: TestCase\nmetadata: {{name: case}}\nspec:\n{spec}");
    let files = Files::of("a.test.yaml", &text);
    let mut all = files.problems();
    all.extend(files.cases.iter().flat_map(|case| case.run(service, &files)));
    // The first line of what is under `spec` is line 1.
    all.iter().map(|one| format!("{}: {}", one.range.start.line.saturating_sub(4), one.message())).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn requests_and_commands_are_answered_in_the_process_and_time_passes_at_once() {
    let start = std::time::Instant::now();
    let spec = "
  only: [person, team]
  given:
  - {apiVersion: v1, kind: Secret, metadata: {name: ada}, stringData: {password: letmein}}
  - {kind: Team, metadata: {name: x}, spec: {name: X}}
  - {kind: Person, metadata: {name: ada}, spec: {name: Ada, team: {name: x}, passwordFrom: {secretKeyRef: {name: ada, key: password}}}}
  backend:
  - {exec: [/bin/team, put, '*'], output: ok}
  - {http: PUT https://d/people/*, status: 201, body: {login: l-1}}
  - {http: GET https://d/people/ada, body: {state: down}, times: 100}
  - {http: GET https://d/people/ada, body: {state: up}}
  expect:
    objects:
    - {kind: Person, name: ada, status: {login: l-1, state: up}, conditions: {Ready: true, Synced: {reason: SyncSucceeded}}}
  then:
  - apply:
    - {kind: Person, metadata: {name: ada}, spec: {name: Ada Byron, team: null}}
    expect:
      calls:
      - {http: 'PUT https://d/people/ada?team=', body: {name: Ada Byron}, headers: {authorization: Bearer letmein}}
      - {http: GET https://d/people/ada}
  - delete: [Person/ada]
    backend: [{http: DELETE https://d/people/ada, status: 404}]
    expect:
      calls: [{http: DELETE https://d/*}]
      objects: [{kind: Person, name: ada, exists: false}, {kind: Team, name: x, deleting: false}]
";
    assert_eq!(told(spec), NOTHING);
    assert!(start.elapsed().as_secs() < 30, "200 s of waiting take no time");
}

#[test]
fn a_playbook_is_answered_as_a_command_is() {
    let service = with_step(
        r#"
  ansible:
    inline: |
      - hosts: all
        tasks: [{ansible.builtin.set_stats: {data: {login: "{{ name }}"}}}]
    variables: {name: "${self.name}"}
    inventory: {host: "${self.metadata.name}.example"}
    fields: {login: "${result.value.login}"}
    delete: nothing
"#,
    );
    let spec = "
  given: [{kind: Person, metadata: {name: ada}, spec: {name: Ada}}]
  backend:
  - {exec: [ansible-playbook, inline], exit: 2, error: no route, times: 1}
  - {exec: [ansible-playbook, inline], output: {xos_deferred: booting}, times: 1}
  - {exec: [ansible-playbook, inline], output: {login: l-1}}
  expect:
    calls: [{exec: [ansible-playbook, inline], input: {host: ada.example, variables: {name: Ada}}}]
    objects:
    - {kind: Person, name: ada, conditions: {Synced: {reason: SyncFailed, message: '*ansible-playbook ended with exit status: 2: no route*'}}}
  then:
  - pass: 30s
    expect: {objects: [{kind: Person, name: ada, conditions: {Synced: {message: '*booting*'}}}]}
  - pass: 1m
    expect: {objects: [{kind: Person, name: ada, status: {login: l-1}, conditions: {Ready: true}}]}";
    assert_eq!(told_of(&service, spec), NOTHING);
}

#[test]
fn a_step_server_is_answered_for() {
    let service = with_step(
        r#"
  grpc: {address: "127.0.0.1:1", step: guest, input: {desk: 7}}
"#,
    );
    let spec = "
  given: [{kind: Person, metadata: {name: ada}, spec: {name: Ada}}]
  backend:
  - {grpc: SyncRecord guest, outcome: deferred, message: booting, fields: {state: booting}, times: 1}
  - {grpc: SyncRecord guest Person/ada, fields: {state: up, login: l-1}}
  - {grpc: DeleteRecord guest, fails: connection refused, times: 1}
  - {grpc: DeleteRecord *}
  expect:
    calls: [{grpc: SyncRecord guest Person/ada, input: {desk: 7}}]
    objects:
    - {kind: Person, name: ada, status: {state: booting}, conditions: {Synced: {reason: Deferred, message: booting}}}
  then:
  - pass: 1m
    expect: {objects: [{kind: Person, name: ada, status: {state: up, login: l-1}, conditions: {Ready: true}}]}
  - delete: [Person/ada]
    expect: {calls: [{grpc: DeleteRecord guest}], objects: [{kind: Person, name: ada}]}
  - pass: 10m
    expect: {objects: [{kind: Person, name: ada, exists: false}]}";
    assert_eq!(told_of(&service, spec), NOTHING);
    let told = told_of(&service, "  given: [{kind: Person, metadata: {name: ada}, spec: {name: Ada}}]");
    assert_eq!(told, ["0: the case has no answer for the call SyncRecord guest Person/ada"]);
}

#[test]
fn messages_and_pulled_lists_end_as_expected() {
    let spec = "
  only: [seen, list]
  backend:
  - {exec: [/bin/team, list], output: [a, b], times: 1}
  - {exec: [/bin/team, list], exit: 3, error: no list}
  send:
  - {topic: people, value: {who: ada}}
  - {topic: people, value: {}}
  - {topic: other, value: {}}
  expect:
    events:
    - {step: seen, outcome: succeeded}
    - {step: seen, outcome: parked, message: '*`event.value.who`*'}
    pulls: [{step: list, outcome: succeeded}]
    saves:
    - {created: Team/a, by: list}
    - {created: Team/b, by: list, fields: [name]}
    - {created: Person/ada, by: seen}
  then:
  - pass: 30s
    expect:
      calls: [{exec: [/bin/team, list], env: {}}]
      pulls: [{step: list, outcome: failed, message: '*no list'}]
      saves: []
";
    assert_eq!(told(spec), NOTHING);
}

#[test]
fn what_is_not_as_expected_is_told_with_its_line() {
    let spec = "only: [team]
given: [{kind: Team, metadata: {name: x}, spec: {name: X}}]
backend: [{exec: ['*', put, '*']}]
expect:
  calls:
  - exec: [/bin/team, put, x]
    input: {name: Y}
    env: {LANG: D, HOME: '*'}
  - exec: [/bin/team, put, z]
  saves:
  - created: Team/y
  objects:
  - kind: Team
    name: x
    spec: {name: Z}
    status: {backendStatus: 'not *'}
    conditions: {Ready: false, Sinced: true}
  - {kind: Team, name: none}
  - {kind: Team, name: x, exists: false}
";
    let spec = spec.lines().fold(String::new(), |all, line| format!("{all}  {line}\n"));
    assert_eq!(
        told(&spec),
        [
            "7: `input.name` should be `Y`, and is `X`",
            "8: `env.LANG` should be `D`, and is `C`",
            "8: `env.HOME` is not there",
            "9: the command [/bin/team, put, z] was not asked for",
            "11: created Team y: this did not happen",
            "15: `spec.name` should be `Z`, and is `X`",
            "16: `status.backendStatus` should be `not *`, and is `OK`",
            "17: `conditions.Ready` should be `false`, and is `True` (SyncSucceeded: OK)",
            "17: `conditions.Sinced` is not there",
            "18: there is no Team none",
            "19: there is a Team x",
        ]
    );
}

#[test]
fn a_question_without_an_answer_fails_the_case_and_says_what_to_add() {
    let files = Files::of(
        "a.test.yaml",
        "apiVersion: xos.opencord.org/v1\nkind: TestCase\nmetadata: {name: case}\nspec:
  only: [person]
  given: [{kind: Person, metadata: {name: ada}, spec: {name: Ada}}]
  then: [{pass: 10m}]",
    );
    let found = files.cases[0].run(&service(), &files);
    let text = found.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n");
    assert_eq!(found.len(), 1, "{text}");
    assert!(text.contains("error[T014]: the case has no answer for PUT https://d/people/ada?team="), "{text}");
    assert!(text.contains("help: add to `backend`: `- {http: PUT https://d/people/ada?team=, body: …}`"), "{text}");
}

#[test]
fn calls_are_compared_in_order_or_in_any_order() {
    let spec = |calls: &str| {
        format!(
            "  only: [team]
  given: [{{kind: Team, metadata: {{name: a}}, spec: {{name: A}}}}, {{kind: Team, metadata: {{name: b}}, spec: {{name: B}}}}]
  backend: [{{exec: ['*', put, '*']}}]
  expect:
    {calls}:
    - {{exec: [/bin/team, put, b]}}
    - {{exec: [/bin/team, put, a]}}
"
        )
    };
    assert_eq!(told(&spec("callsInAnyOrder")), NOTHING);
    let found = told(&spec("calls"));
    assert_eq!(
        found,
        ["6: the command [/bin/team, put, b] was not asked for", "6: the command [/bin/team, put, b] is not expected"]
    );
}

#[test]
fn mistakes_in_cases_are_told() {
    for (spec, expected) in [
        ("  only: [persn]", "1: the service has no step and no policy `persn`"),
        ("  gven: []", "1: unknown key `spec.gven`"),
        ("  pass: soon", "1: `spec.pass` cannot be `soon`: expected a duration such as `30s` or `1h 30m`"),
        (
            "  given: [{kind: Persn, metadata: {name: a}}]",
            "1: there is no model `Persn`, and no step that makes or reads such objects",
        ),
        ("  given: [{kind: Team, metadata: {name: a}, spec: {nmae: a}}]", "1: Team has no `spec.nmae`"),
        ("  given: [{kind: Team, metadata: {name: a}, status: {}}]", "1: Team has no `status`"),
        (
            "  given: [{kind: Team, metadata: {name: a}}]",
            "1: the API server would refuse this: Team default/a is invalid: spec.name: Required value",
        ),
        ("  given: [{kind: Team, spec: {name: a}}]", "1: `metadata.name` is missing"),
        ("  backend: [{status: 3}]", "1: an answer has exactly one of `http`, `exec` and `grpc`, and here are 0"),
        (
            "  backend: [{http: people}]",
            "1: `http` cannot be `people`: expected method and URL, as in `PUT http://directory/people/*`",
        ),
        ("  givenFiles: [none.yaml]", "1: cannot read a file: none.yaml: No such file or directory (os error 2)"),
        ("  then: [{delete: [Team/x]}]", "1: there is no Team x now"),
        ("  then: [{delete: [x]}]", "1: `an object` cannot be `x`: expected KIND/NAME, as in `Person/ada`"),
        (
            "  expect: {objects: [{kind: Team, name: a, exists: false, status: {}}], saves: [{by: x}]}",
            "1: a save has exactly one of `created`, `changed`, `touched` and `deleted`, and here are 0",
        ),
    ] {
        let found = told(&format!("{spec}\n"));
        // The pull step has no answer in these cases.
        let found: Vec<_> = found.into_iter().filter(|one| !one.contains("[/bin/team, list]")).collect();
        assert_eq!(found, [expected], "{spec}");
    }
    let found = told("  only: [team]\n---\nkind: Other\n");
    assert!(found.iter().any(|one| one.contains("`kind` cannot be `Other`")), "{found:?}");
}

#[test]
fn the_cases_of_people_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../config/people");
    let folder = |key, name: &str| Folder { key, path: root.join(name) };
    let mut sources = Sources::new();
    sources.add("people.xproto", std::fs::read_to_string(root.join("models/people.xproto")).unwrap());
    let mut convenience = xos_properties::Convenience::default();
    for file in xos_properties::of_folder(&root.join("models")).unwrap() {
        convenience.add(file.clone(), std::fs::read_to_string(file).unwrap());
    }
    convenience.announce(&mut sources);
    let (models, properties) = convenience.compile(&compile(&sources).models).unwrap();
    let properties = Arc::new(properties);
    let folders =
        [folder("steps_dir", "steps"), folder("model_policies_dir", "policies"), folder("pull_steps_dir", "pulls")];
    let steps = xos_documents::read(&folders).unwrap().compile_with(&models, &properties).unwrap();
    let service = Service { name: "people".to_owned(), models: Arc::new(models), properties, steps, ..service() };
    let files = Files::read(&[PathBuf::from(&root)]).unwrap();
    assert_eq!((files.cases.len(), files.problems().len()), (3, 0));
    for case in &files.cases {
        let found: Vec<_> = case.run(&service, &files).iter().map(|one| one.render(false)).collect();
        assert!(found.is_empty(), "{}: {}", case.name, found.join("\n\n"));
    }
}
