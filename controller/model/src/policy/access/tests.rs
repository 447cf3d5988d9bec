//! What users may do, by the policies of the core.

use std::cell::Cell;
use std::sync::Arc;

use serde_json::{Value, json};
use xos_xproto::{ModelSet, Sources, compile};

use super::{Access, Aim};
use crate::graph::Standing;
use crate::index::Index;
use crate::object::{Object, ObjectKey};
use crate::policy::Objects;
use crate::query::Query;
use crate::reference::Reference;

const MODELS: &str = "option app_label = \"t\"; option uses = \"User, Privilege, Slice, Role\";
    policy by_python < {{ True }} >
    policy of_slice < *slice_policy(obj.slice) >
    policy all_are_mine < forall Note: (Note.slice = None | not Note.secret ) & ctx.write_access >
    message Note::of_slice (XOSBase) { optional manytoone slice->Slice:notes = 1:1100; optional bool secret = 2; }
    message Memo (Note) { }
    message Free (XOSBase) { optional int32 size = 1; }
    message Shut::by_python (XOSBase) { optional int32 size = 1; }
    message Board::all_are_mine (XOSBase) { optional int32 size = 1; }";

/// Objects that count how often they are asked for.
struct Counted {
    index: Index,
    queries: Cell<usize>,
}

impl Objects for Counted {
    fn models(&self) -> Arc<ModelSet> {
        Arc::clone(self.index.models())
    }

    fn query(&self, query: &Query) -> Vec<Arc<Object>> {
        self.queries.set(self.queries.get() + 1);
        Objects::query(&self.index, query)
    }

    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Option<Arc<Object>> {
        Objects::at(&self.index, class, namespace, reference)
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        Objects::linked_back(&self.index, key, port)
    }
}

fn object(model: &str, id: i32, fields: Value) -> Arc<Object> {
    let name = format!("{}-{id}", model.to_lowercase());
    let mut object =
        Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named(model, "default", &name) };
    object.status.id = Some(id);
    Arc::new(object)
}

fn privilege(id: i32, user: i32, (of, object_id): (&str, i32), permission: &str) -> Arc<Object> {
    let fields = json!({
        "accessor_id": user, "accessor_type": "User", "object_id": object_id, "object_type": of,
        "permission": permission, "granted": "2026-01-01T00:00:00Z",
    });
    object("Privilege", id, fields)
}

fn world(more: Vec<Arc<Object>>) -> Counted {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let mut index = Index::new(Arc::new(compiled.models), &[]).unwrap();
    for object in [
        object("Slice", 1, json!({"name": "s1", "site": {"name": "site-1"}, "creator": {"name": "user-2"}})),
        object("Slice", 2, json!({"name": "s2", "site": {"name": "site-1"}, "creator": {"name": "user-3"}})),
        object("Site", 1, json!({"name": "rome"})),
        object("Note", 1, json!({"slice": {"name": "slice-1"}})),
        object("Note", 2, json!({"slice": {"name": "slice-2"}})),
        object("Note", 3, json!({})),
        object("Memo", 4, json!({"slice": {"name": "slice-9"}})),
        object("Free", 1, json!({})),
        object("Shut", 1, json!({})),
        object("Board", 1, json!({})),
        object("Role", 1, json!({})),
    ]
    .into_iter()
    .chain(more)
    {
        index.insert(&object, Standing::Settled);
    }
    Counted { index, queries: Cell::new(0) }
}

fn user(id: i32, more: &Value) -> Arc<Object> {
    let mut fields = json!({"email": format!("{id}@x"), "site": {"name": "site-1"}});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("User", id, fields)
}

/// Returns which of the objects a user may read and write, as `Slice 1`, `Slice 1 rw`.
fn may(world: &Counted, user: &Arc<Object>, names: &[&str]) -> Vec<String> {
    let [read, write] = [Aim::Read, Aim::Write].map(|aim| Access::of(world, "default", user, aim));
    let all = names.iter().map(|name| {
        let (model, id) = name.split_once(' ').unwrap();
        let key = ObjectKey::new(model, "default", &format!("{}-{id}", model.to_lowercase()));
        let object = if model == "User" { user } else { world.index.get(&key).unwrap() };
        let allowed = |access: &Access<'_>| access.refusal(object).is_none();
        let rights = format!("{}{}", if allowed(&read) { "r" } else { "" }, if allowed(&write) { "w" } else { "" });
        format!("{name} {rights}").trim_end().to_owned()
    });
    all.collect()
}

const ALL: [&str; 11] =
    ["Slice 1", "Slice 2", "Note 1", "Note 2", "Note 3", "Memo 4", "Free 1", "Shut 1", "Board 1", "Role 1", "User 2"];

#[test]
fn the_policies_of_the_core_decide() {
    let none = Vec::new;
    let table = [
        // Who made a slice has it, and what belongs to it. A link to nothing permits nothing.
        (
            user(2, &json!({})),
            none(),
            "Slice 1 rw,Slice 2,Note 1 rw,Note 2,Note 3 rw,Memo 4,Free 1 rw,Shut 1,Board 1 w,Role 1 r,User 2 rw",
        ),
        (
            user(7, &json!({})),
            none(),
            "Slice 1,Slice 2,Note 1,Note 2,Note 3 rw,Memo 4,Free 1 rw,Shut 1,Board 1 w,Role 1 r,User 2 rw",
        ),
        (
            user(7, &json!({"is_admin": true})),
            none(),
            "Slice 1 rw,Slice 2 rw,Note 1 rw,Note 2 rw,Note 3 rw,Memo 4 rw,Free 1 rw,Shut 1 rw,Board 1 rw,Role 1 rw,User 2 rw",
        ),
        (
            user(2, &json!({"is_readonly": true})),
            none(),
            "Slice 1 r,Slice 2,Note 1 r,Note 2,Note 3 r,Memo 4,Free 1 r,Shut 1,Board 1,Role 1 r,User 2 r",
        ),
        // A privilege of the slice, of its site, of somebody else, and of another kind of accessor.
        (
            user(7, &json!({})),
            vec![privilege(1, 7, ("Site", 1), "role:admin")],
            "Slice 1 rw,Slice 2 rw,Note 1 rw,Note 2 rw,Note 3 rw,Memo 4,Free 1 rw,Shut 1,Board 1 w,Role 1 r,User 2 rw",
        ),
        (
            user(7, &json!({})),
            vec![privilege(1, 8, ("Site", 1), "role:admin"), privilege(2, 7, ("Site", 2), "role:admin")],
            "Slice 1,Slice 2,Note 1,Note 2,Note 3 rw,Memo 4,Free 1 rw,Shut 1,Board 1 w,Role 1 r,User 2 rw",
        ),
        // The site may be read by all; with the right to see a slice its notes may be read, not written.
        (
            user(7, &json!({})),
            vec![privilege(1, 7, ("Slice", 2), "role:default")],
            "Slice 1,Slice 2 r,Note 1,Note 2 r,Note 3 rw,Memo 4,Free 1 rw,Shut 1,Board 1 w,Role 1 r,User 2 rw",
        ),
    ];
    for (user, mut privileges, expected) in table {
        privileges.push(Arc::clone(&user));
        let world = world(privileges);
        assert_eq!(may(&world, &user, &ALL).join(","), expected, "{} {:?}", user.meta.name, user.fields);
    }
}

#[test]
fn a_refusal_names_its_policy() {
    let world = world(vec![]);
    let nobody = Arc::new(Object::named("User", "default", ""));
    let access = Access::of(&world, "default", &nobody, Aim::Write);
    let told = |model: &str| {
        let key = ObjectKey::new(model, "default", &format!("{}-1", model.to_lowercase()));
        access.refusal(world.index.get(&key).unwrap()).unwrap_or_default()
    };
    assert_eq!(
        ["Slice", "Note", "Shut", "Role", "Free"].map(told),
        [
            "policy slice_policy",
            "policy of_slice",
            "policy by_python",
            "the rule that administrators write the core's models",
            "",
        ]
    );
}

#[test]
fn privileges_are_looked_up_once_whatever_the_number_of_objects() {
    let others = (0..200).map(|id| privilege(id, 100 + id, ("Slice", id), "role:admin"));
    let slices = (10..500).map(|id| object("Slice", id, json!({"name": format!("s{id}"), "site": {"name": "site-1"}})));
    let mine = [privilege(900, 7, ("Slice", 77), "role:admin"), privilege(901, 7, ("Slice", 78), "x")];
    let world = world(others.chain(slices).chain(mine).collect());
    let user = user(7, &json!({}));
    let access = Access::of(&world, "default", &user, Aim::Read);
    let all = Objects::query(&world.index, &Query::of("Slice", None));
    let seen: Vec<_> =
        all.iter().filter(|slice| access.refusal(slice).is_none()).map(|slice| slice.status.id).collect();
    assert_eq!(seen, [Some(77), Some(78)]);
    assert!(world.queries.get() <= 3, "{} queries for {} objects", world.queries.get(), all.len());
}
