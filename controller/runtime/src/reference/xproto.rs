//! `docs/reference/xproto.md`: the language of models, from the compiler's tables.

use xos_xproto::reference::{
    OptionEntry, Place, applies_to, common_fields, content_types, limits, link_kinds, options, types,
};
use xos_xproto::{Sources, compile};

use super::{block, check, code, prose, table};

/// One of everything; it compiles without a finding.
const EXAMPLE: &str = r#"option name = "olt";
option app_label = "olt";

policy named_well <
    not " " in obj.name
>

// A device. This comment is what `kubectl explain` says of it.
message Device (XOSBase) {
    option validators = "named_well:The name {obj.name} has blanks";

    required string name = 1 [max_length = 40, tosca_key = True];
    optional int32 port = 2 [min_value = 1, max_value = 65535];
    required string stage = 3 [max_length = 9, default = "lab", choices = "(('lab', 'Lab'), ('live', 'Live'))"];
    optional string oper_status = 4 [max_length = 9, feedback_state = True];
}

message Port (XOSBase) {
    required manytoone device->Device:ports = 1:1001 [tosca_key = True];
    required int32 number = 2 [tosca_key = True];
}

// A Pon is a Port: it has its fields and links, and is found where Ports are asked for.
message Pon (Port) {
    optional string wave_length = 3 [max_length = 9];
}"#;

/// The forms of expressions in policies, from the loosest on.
const EXPRESSIONS: [(&str, &str); 10] = [
    ("a -> b", "if a then b"),
    ("a | b", "or"),
    ("a & b", "and"),
    ("not a", "not"),
    ("a = b", "equal; a field without a value is equal to `None` and to nothing else"),
    ("a in b", "a text is a part of another; an object is one of many"),
    ("exists Port: Port.device = obj", "there is such an object; the body goes as far to the right as it can"),
    ("forall Port: Port.number = 1", "all objects are so"),
    ("*named_well(obj.device)", "another policy holds for that object, or there is no such object"),
    ("\"text\", 1, 1.5, True, False, None", "values"),
];

/// Where a path can begin.
const ROOTS: [(&str, &str); 5] = [
    ("obj", "the object; `obj.site.name` follows links, `obj.ports.all()` are those that lead here"),
    ("old", "the object as it was before the save; in validators only"),
    ("ctx.user", "the user whose access is checked; in access policies"),
    ("ctx.write_access", "whether the object is to be changed"),
    ("ctx.read_access", "whether the object is to be read"),
];

fn value(option: &OptionEntry) -> String {
    if option.is_boolean { "`True` or `False`".to_owned() } else { String::new() }
}

fn meaning(option: &OptionEntry) -> String {
    let ours = if option.is_of_xos { "" } else { " An addition of ours." };
    format!("{}{ours}", prose(option.meaning))
}

/// Returns the table of the options of fields and links.
fn of_members() -> String {
    let rows = options(Place::FieldOrLink).into_iter().map(|option| {
        let on = applies_to(option.name);
        let on = if on.is_empty() { "all".to_owned() } else { on.join(", ") };
        [code(option.name), on, value(&option), meaning(&option)]
    });
    table(["option", "on", "value", "meaning"], rows)
}

/// Returns the table of the options of messages and files.
fn of_messages() -> String {
    let rows = options(Place::Message).into_iter().map(|option| [code(option.name), value(&option), meaning(&option)]);
    table(["option", "value", "meaning"], rows)
}

fn words(head: &str, all: Vec<(&'static str, &'static str)>) -> String {
    table([head, "meaning"], all.into_iter().map(|(word, meaning)| [code(word), meaning.to_owned()]))
}

fn pairs(head: &str, all: &[(&str, &str)]) -> String {
    table([head, "meaning"], all.iter().map(|(word, meaning)| [code(word), (*meaning).to_owned()]))
}

#[test]
fn the_page_is_current() {
    let limits = limits().into_iter().map(|(what, limit)| [what.to_owned(), limit]);
    let common = common_fields()
        .into_iter()
        .map(|(name, ty, section, help)| [code(&name), ty.to_owned(), code(section), prose(&help)]);
    let text = format!(
        "# The language of models\n\n\
         Models are written in XOS's xproto. `xos check` finds mistakes, `xos explain CODE` explains each, and\n\
         [What a model becomes](../models.md) says what Kubernetes makes of them.\n\n\
         {example}\n\
         - A file has options, policies and messages. All files of a set see each other's messages.\n\
         - A comment (`//` or `/* */`) right above a message, field, link or policy is its description.\n\
         - A message has the form `message Name (Base, Base)`, with the access policy behind the name:\n\
         \u{20} `message Name::policy (Base)`. It has all fields and links of its bases.\n\
         - A field has the form `required TYPE name = NUMBER [option = value, …];`. It is `required` or `optional`.\n\
         - A link has the form `required KIND port->Peer:peer_port = NUMBER:PEER_NUMBER [option = value, …];`. The peer\n\
         \u{20} gets a port of that name, which leads back. Without one, or with `+`, it gets none.\n\
         - An option of a message has the form `option name = value;`. Above the messages of a file it is for all of\n\
         \u{20} them.\n\n\
         ## Types of fields\n\n{types}\n\
         ## Kinds of links\n\n{kinds}\n\
         ## Numbers and limits\n\n{limits}\n\
         The numbers are those of XOS's gRPC API. A number that was used may not be used again for something else.\n\n\
         ## Options of fields and links\n\n\
         Others are kept, and have no effect; a name that is nearly one of these is an error.\n\n{members}\n\
         ### Content types\n\n{contents}\n\
         ### Choices\n\n\
         `choices = \"(('a', 'Label of a'), ('b', 'Label of b'))\"`: pairs of value and label, as Python writes them. A\n\
         single pair needs a comma behind it. `None` as a value is that of an optional field without a value.\n\n\
         ## Options of messages and files\n\n{messages}\n\
         ## Policies and validators\n\n\
         `policy name < expression >`. A policy says who may see and change objects (behind a message's name), or what\n\
         has to hold when an object is saved (option `validators`). From the loosest to the tightest:\n\n{expressions}\n\
         A path begins with one of these, or with the model of a quantifier around it:\n\n{roots}\n\
         `{{{{ python }}}}` is kept for XOS's own core. Who enforces a validator: [Validators](../models.md#validators).\n\n\
         ## The fields of all models\n\n\
         Those of `XOSBase`, which every model has among its bases. In custom resources their names are in\n\
         lowerCamelCase.\n\n{common}",
        example = block("proto", EXAMPLE),
        types = words("type", types()),
        kinds = words("kind", link_kinds()),
        limits = table(["", ""], limits),
        members = of_members(),
        contents = words("content type", content_types()),
        messages = of_messages(),
        expressions = pairs("expression", &EXPRESSIONS),
        roots = pairs("root", &ROOTS),
        common = table(["field", "type", "in", "meaning"], common),
    );
    check("xproto.md", &text);
}

#[test]
fn the_example_compiles_without_a_finding() {
    let mut sources = Sources::new();
    sources.add("example.xproto", EXAMPLE);
    let compiled = compile(&sources);
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    assert!(compiled.models.get("Pon").unwrap().is_a("Port"));
}

#[test]
fn each_form_of_an_expression_is_one() {
    for (expression, _) in EXPRESSIONS.iter().filter(|(text, _)| !text.contains(", ")) {
        let text = EXAMPLE.replace("not \" \" in obj.name", &expression.replace("*named_well", "*other"));
        let text = text.replace("message Port", "policy other < True >\nmessage Port");
        // `a` and `b` are no names of the language.
        let text = text.replace("a -> b", "obj.name -> obj.port").replace("a | b", "obj.name | obj.port");
        let text = text.replace("a & b", "obj.name & obj.port").replace("not a", "not obj.name");
        let text = text.replace("a = b", "obj.name = obj.stage").replace("a in b", "obj.name in obj.stage");
        let mut sources = Sources::new();
        sources.add("example.xproto", &*text);
        let compiled = compile(&sources);
        let syntax = compiled.diagnostics.iter().find(|one| one.code().as_str() < "X100");
        assert!(syntax.is_none(), "{expression}: {:?}", compiled.diagnostics);
    }
}
