//! Random model sets: everything that the original accepts, in forms on which both compilers should agree.

use std::collections::{BTreeSet, HashMap};
use std::mem;

use crate::random::Random;
use crate::set::{File, Layout, Member, Message, Set};

const FIRST: &[&str] = &["Fabric", "ONOS", "vSG", "VLAN", "Whitelist", "RCORD", "Net", "Subscriber", "K8s", "My", ""];
const SECOND: &[&str] = &[
    "Address",
    "Analysis",
    "Box",
    "Bus",
    "Chassis",
    "Child",
    "Crossconnect",
    "Data",
    "Datum",
    "Dependency",
    "Device",
    "Entry",
    "Gateway",
    "Hero",
    "Index",
    "Instance",
    "Leaf",
    "Life",
    "Man",
    "Mesh",
    "Mouse",
    "Person",
    "Photo",
    "Policy",
    "Port",
    "Ports",
    "Quiz",
    "Series",
    "Service",
    "Settings",
    "Status",
    "Switch",
    "Topology",
    "VLAN",
    "X",
];
const WORDS: &[&str] = &["color", "name", "ipAddress", "s_tag", "url", "start", "data", "type", "version", "Size"];
const TYPES: &[&str] = &["int32", "uint32", "string", "string", "string", "bool", "float", "double", "bytes"];
/// Options of text fields.
const TEXTS: &[&str] = &[
    "max_length = 200",
    "max_length = 64",
    "text = True",
    "content_type = \"date\"",
    "content_type = date",
    "content_type = \"stripped\"",
    "content_type = \"url\"",
    "content_type = \"ip\"",
];
const MEMBER_OPTIONS: &[&str] = &[
    "help_text = \"a, b = c] \\\" d\"",
    "feedback_state = True",
    "feedback_state = \"True\"",
    "bookkeeping_state = True",
    "bookkeeping_state = true",
    "gui_hidden = True",
    "gui_hidden = \"True\"",
    "gui_hidden = True, gui_hidden = True",
    "null = False",
    "null = \"False\"",
    "null = True",
    "blank = False",
    "blank = True",
    "db_index = True",
    "db_index = False",
    "verbose_name = \"words\"",
    "unique = True",
    "tosca_key = True",
];
const MESSAGE_OPTIONS: &[&str] = &[
    "verbose_name = \"something\"",
    "no_sync = True",
    "no_sync = False",
    "no_sync = \"True\"",
    "no_policy = True",
    "no_policy=True",
    "gui_hidden = True",
    "skip_django = True",
    "abstract = True",
    "description = \"a; thing { of } 'sorts'\"",
    "app_label = \"other\"",
    "name = \"another\"",
    "owner_class_name = \"Nobody\"",
];
/// A model with more ancestors than this is not used as a base.
const DEEPEST: usize = 4;

/// The facts about a message that are needed while the set is made.
struct Known {
    /// All that it inherits from, and itself.
    ancestry: BTreeSet<String>,
    depth: usize,
}

struct Generator {
    random: Random,
    known: HashMap<String, Known>,
    /// Names of messages and plurals, in lower case.
    taken: BTreeSet<String>,
    /// Makes the names of members unique in the set.
    members: usize,
    /// Two digits for the numbers of reverse links, so that no two are the same in any message.
    residues: Vec<usize>,
    policy: bool,
}

/// Makes the model set of a seed.
pub fn set(seed: u64) -> Set {
    let mut random = Random::new(seed);
    let mut residues: Vec<usize> = (0..100).collect();
    random.shuffle(&mut residues);
    let policy = random.chance(30);
    let root = Known { ancestry: ["XOSBase".to_owned()].into(), depth: 1 };
    let known = [("XOSBase".to_owned(), root)].into();
    Generator { random, known, taken: BTreeSet::new(), members: 0, residues, policy }.set()
}

/// Returns the longest way from a message to a root.
pub fn depth(messages: &[Message]) -> usize {
    fn from(name: &str, messages: &[Message]) -> usize {
        let message = messages.iter().find(|message| message.name == name);
        let bases = message.iter().flat_map(|message| &message.bases);
        1 + bases.map(|base| from(base, messages)).max().unwrap_or_default()
    }
    messages.iter().map(|message| from(&message.name, messages)).max().unwrap_or_default()
}

impl Generator {
    fn set(&mut self) -> Set {
        let mut messages: Vec<Message> = Vec::new();
        for _ in 0..=self.random.below(9) {
            let message = self.message(&messages);
            messages.push(message);
        }
        let names: Vec<_> = messages.iter().map(|message| message.name.clone()).collect();
        for message in &mut messages {
            self.links(message, &names);
            self.random.shuffle(&mut message.members);
            self.number(message);
        }
        if self.random.chance(50) {
            self.random.shuffle(&mut messages);
        }
        self.files(messages)
    }

    fn files(&mut self, mut messages: Vec<Message>) -> Set {
        let service = self.random.chance(50);
        let mut files = Vec::new();
        while !messages.is_empty() {
            let here = 1 + self.random.below(messages.len());
            let rest = messages.split_off(here);
            let mut head = self.head(service);
            if self.policy && files.is_empty() {
                head.push("policy administrators < ctx.user.is_admin | (obj.id = 1) >".to_owned());
            }
            let tail = self.random.pick(&["", "\n", "\n// the end\n", "\n/* the\nend */"]);
            files.push(File { head, messages: mem::replace(&mut messages, rest), tail });
        }
        Set { files }
    }

    /// Makes the options of a file: every file of a set has the same ones, since in the original they also hold in
    /// later files.
    fn head(&mut self, service: bool) -> Vec<String> {
        let label = self.random.pick(&["core", "onos", "rcord", "fabric_crossconnect"]);
        let mut head = vec![format!("option app_label = \"{label}\";")];
        if service {
            let name = self.random.pick(&["vsg", "onos", "fabric-crossconnect"]);
            head.insert(self.random.below(2), format!("option name=\"{name}\";"));
        }
        head
    }

    fn message(&mut self, before: &[Message]) -> Message {
        let bases = self.bases(before);
        let (name, plural) = self.name();
        let mut ancestry: BTreeSet<_> = bases.iter().flat_map(|base| self.known[base].ancestry.clone()).collect();
        ancestry.insert(name.clone());
        let depth = 1 + bases.iter().map(|base| self.known[base].depth).max().unwrap_or_default();
        self.known.insert(name.clone(), Known { ancestry, depth });
        let mut message = Message { name, bases, ..Message::default() };
        // The original needs a field in all messages; one with a base may have none of its own.
        if message.bases.is_empty() || !self.random.chance(30) {
            message.members = (0..=self.random.below(5)).map(|_| self.field()).collect();
        }
        if self.random.chance(10) {
            // A class of the core that is not written in xproto.
            message.bases.push("PlModelMixIn".to_owned());
        }
        message.options = self.message_options(plural);
        message.policy = (self.policy && self.random.chance(50)).then(|| "administrators".to_owned());
        message
    }

    /// Chooses the bases: none, XOSBase, an earlier message, or several that have no ancestor in common.
    fn bases(&mut self, before: &[Message]) -> Vec<String> {
        let mut bases: Vec<String> = Vec::new();
        let mut ancestry = BTreeSet::new();
        for _ in 0..self.random.pick(&[0, 1, 1, 1, 1, 1, 2, 2, 3]) {
            let base = match before.len() {
                0 => "XOSBase",
                _ if self.random.chance(35) => "XOSBase",
                many => before[self.random.below(many)].name.as_str(),
            };
            let known = &self.known[base];
            if known.depth <= DEEPEST && known.ancestry.is_disjoint(&ancestry) {
                ancestry.extend(known.ancestry.iter().cloned());
                bases.push(base.to_owned());
            }
        }
        bases
    }

    /// Makes a name that is not taken, and option `plural` if it needs or gets one.
    fn name(&mut self) -> (String, Option<String>) {
        loop {
            let mut name = format!("{}{}", self.random.pick(FIRST), self.random.pick(SECOND));
            if self.random.chance(10) {
                name.push_str(self.random.pick(&["2", "New", "V1"]));
            }
            let english = xos_xproto::plural::plural(&name);
            let wants = english.eq_ignore_ascii_case(&name) || self.random.chance(10);
            let plural = if wants { format!("{name}Set") } else { english };
            let both = [name.to_lowercase(), plural.to_lowercase()];
            if both.iter().all(|name| !self.taken.contains(name)) {
                self.taken.extend(both);
                return (name, wants.then_some(plural));
            }
        }
    }

    fn message_options(&mut self, plural: Option<String>) -> Vec<String> {
        let mut options: Vec<_> = plural.map(|plural| format!("plural = \"{plural}\"")).into_iter().collect();
        for _ in 0..2 {
            let option = self.random.pick(MESSAGE_OPTIONS);
            let name = option.split(['=', ' ']).next().unwrap_or_default();
            if self.random.chance(25) && !options.iter().any(|other| other.starts_with(name)) {
                options.push(option.to_owned());
            }
        }
        self.random.shuffle(&mut options);
        options
    }

    /// Makes a field, without its number.
    fn field(&mut self) -> Member {
        let ty = self.random.pick(TYPES);
        let modifier = self.random.pick(&["required", "optional"]);
        let name = self.member_name();
        let mut options = Vec::new();
        if ty == "string" {
            options.push(self.random.pick(TEXTS).to_owned());
            if self.random.chance(20) && !options[0].starts_with("max") {
                options.push("max_length = 256".to_owned());
            }
        }
        self.more_options(&mut options);
        let layout = self.layout();
        Member { text: format!("{modifier} {ty} {name}"), peer: None, options, layout }
    }

    fn more_options(&mut self, options: &mut Vec<String>) {
        // A field has one state at most.
        let what = |option: &str| option.split(' ').next().unwrap_or_default().replace("feedback", "bookkeeping");
        for _ in 0..4 {
            let option = self.random.pick(MEMBER_OPTIONS);
            if self.random.chance(30) && !options.iter().any(|other| what(other) == what(option)) {
                options.push(option.to_owned());
            }
        }
        self.random.shuffle(options);
    }

    fn layout(&mut self) -> Layout {
        self.random.pick(&[Layout::Plain, Layout::Plain, Layout::Empty, Layout::Lines, Layout::Tight])
    }

    fn member_name(&mut self) -> String {
        self.members += 1;
        format!("{}_{}", self.random.pick(WORDS), self.members)
    }

    /// Makes links to any message of the set, also to the message itself, its bases and those that inherit from it.
    fn links(&mut self, message: &mut Message, names: &[String]) {
        for _ in 0..self.random.below(4) {
            let peer = &names[self.random.below(names.len())];
            let peer = if self.random.chance(5) { "XOSBase".to_owned() } else { peer.clone() };
            let kind = self.random.pick(&["manytoone", "manytoone", "manytoone", "onetoone", "manytomany"]);
            let modifier = self.random.pick(&["required", "optional"]);
            let name = self.member_name();
            let through = if kind == "manytomany" && self.random.chance(40) { "/Pairs_of_it" } else { "" };
            let (port, number) = self.reverse();
            let arrow = self.random.pick(&["->", " -> "]);
            let mut options = Vec::new();
            self.more_options(&mut options);
            let layout = self.layout();
            let text = format!("{modifier} {kind} {name}{arrow}{peer}{through}:{port} = #{number}");
            message.members.push(Member { text, peer: Some(peer), options, layout });
        }
    }

    /// Makes the peer's port and its number.
    fn reverse(&mut self) -> (String, String) {
        let port = match self.random.below(10) {
            0 => "+".to_owned(),
            1 => format!("{}+", self.member_name()),
            _ => self.member_name(),
        };
        let number = match self.residues.pop().filter(|_| self.random.chance(60)) {
            Some(residue) => format!(":{}", 1000 + 100 * self.random.below(3) + residue),
            None => String::new(),
        };
        (port, number)
    }

    /// Gives the members numbers up to 99, each once; 1 is the id's in what does not come from XOSBase. In a link, `#`
    /// is the place of the number.
    fn number(&mut self, message: &mut Message) {
        let first = if self.known[&message.name].ancestry.contains("XOSBase") { 1 } else { 2 };
        let mut numbers: Vec<u32> = (first..100).collect();
        self.random.shuffle(&mut numbers);
        for (member, number) in message.members.iter_mut().zip(numbers) {
            member.text = match member.peer {
                Some(_) => member.text.replace('#', &number.to_string()),
                None => format!("{} = {number}", member.text),
            };
        }
    }
}
