//! Choices, defaults and awkward names for the fields of a random set.

use crate::random::Random;
use crate::set::{Member, Set};

/// Names of fields that mean something in Rust or in generated code; they all differ in lowerCamelCase.
const NAMES: &[&str] = &[
    "type",
    "self",
    "super",
    "crate",
    "Self",
    "match",
    "async",
    "meta",
    "clone",
    "write_to",
    "to_object",
    "new",
    "o",
    "value",
    "from_object",
    "fn",
    "dyn",
    "meta_name",
    "meta_namespace",
    "gen",
    "f",
    "leaf_model",
    "eq",
    "fmt",
    "default",
    "into",
    "String",
    "Option",
    "u32",
    "str",
    "Ok",
    "Some",
    "set_type",
    "NAME",
    "CLASS_NAMES",
    "_x",
];
const TEXT_CHOICES: &[&str] = &[
    "(('vm', 'Virtual Machine'), ('container_vm', 'Container In VM'))",
    "(('a', 'A'), ('A', 'Another'), ('a2', 'More'), ('', 'Nothing'))",
    "(('ALL', 'All'), ('aLL', 'All'), ('Self', 'Self'), ('Err', 'E'), ('Error', 'E'))",
    "(('10G', '10 `G`'), ('+', 'Plus'), ('-', '*/'), ('10_G', '<G>'), ('!', '!'))",
    "(('one', 'One'),)",
];
const OPTIONAL_TEXT_CHOICES: &[&str] =
    &["((None, 'None'), ('none', 'None'), ('some', 'Some'))", "((None, 'Nothing'),)"];
const NUMBER_CHOICES: &[&str] = &["((1, 'One'), (2, 'Two'))", "((0, 'Off'), (16, 'On'))"];
const SIGNED_CHOICES: &[&str] = &["((-1, 'Down'), (1, 'Up'), (0, 'Level'))"];

/// Returns the set with defaults or choices for some of its fields, and other names for some: the same for the same set
/// and seed.
#[must_use]
pub fn with_values(mut set: Set, seed: u64) -> Set {
    let mut random = Random::new(seed ^ 0x7661_6c75_6573);
    let mut names = NAMES.to_vec();
    random.shuffle(&mut names);
    let messages = set.files.iter_mut().flat_map(|file| &mut file.messages);
    for member in messages.flat_map(|message| &mut message.members).filter(|member| member.peer.is_none()) {
        if random.chance(25) {
            names.pop().into_iter().for_each(|name| rename(member, name));
        }
        choices(member, &mut random);
        default(member, &mut random);
    }
    set
}

/// Returns the modifier and type of a field.
fn head(member: &Member) -> (bool, String) {
    let mut words = member.text.split(' ');
    (words.next() == Some("required"), words.next().unwrap_or_default().to_owned())
}

fn rename(member: &mut Member, name: &str) {
    let mut words: Vec<_> = member.text.split(' ').map(str::to_owned).collect();
    words[2] = name.to_owned();
    member.text = words.join(" ");
}

fn choices(member: &mut Member, random: &mut Random) {
    let (required, ty) = head(member);
    let has_content = member.options.iter().any(|option| option.starts_with("content_type"));
    let choices = match ty.as_str() {
        "string" if has_content => return,
        "string" if !required && random.chance(40) => random.pick(OPTIONAL_TEXT_CHOICES),
        "string" => random.pick(TEXT_CHOICES),
        "int32" if random.chance(50) => random.pick(SIGNED_CHOICES),
        "int32" | "uint32" => random.pick(NUMBER_CHOICES),
        _ => return,
    };
    if random.chance(50) {
        member.options.push(format!("choices = \"{choices}\""));
    }
}

/// Returns the values of the choices as they are written, without `None`.
fn values(choices: &str) -> Vec<&str> {
    let tuples = choices.split('(').filter(|tuple| !tuple.is_empty());
    tuples.filter_map(|tuple| tuple.split(", '").next()).filter(|value| *value != "None").collect()
}

fn default(member: &mut Member, random: &mut Random) {
    if !random.chance(40) {
        return;
    }
    let (_, ty) = head(member);
    let is_date = member.options.iter().any(|option| option.starts_with("content_type") && option.contains("date"));
    let choices = member.options.iter().find_map(|option| option.strip_prefix("choices = \""));
    let known = choices.map(|choices| values(choices.trim_end_matches('"'))).unwrap_or_default();
    let default = match ty.as_str() {
        _ if choices.is_some() && known.is_empty() => return,
        "string" if is_date => "\"now()\"".to_owned(),
        "string" if choices.is_some() => format!("\"{}\"", random.pick(&known).trim_matches('\'')),
        _ if choices.is_some() => random.pick(&known).to_owned(),
        "string" => random.pick(&["\"a \\\"b\\\" {c}\"", "\"\"", "get_it", "\"x\""]).to_owned(),
        "bytes" => "\"eA==\"".to_owned(),
        "bool" => random.pick(&["True", "False"]).to_owned(),
        "int32" => random.pick(&["0", "-7", "2147483647"]).to_owned(),
        "uint32" => random.pick(&["0", "4294967295"]).to_owned(),
        _ => random.pick(&["0", "2", "-1.5", "0.1"]).to_owned(),
    };
    member.options.push(format!("default = {default}"));
}
