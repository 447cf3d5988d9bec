//! A model set as data, so that it can be written as text and made smaller.

/// A model set.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// Its files, `0.xproto` and so on.
    pub files: Vec<File>,
}

/// A file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// The lines above the messages.
    pub head: Vec<String>,
    /// Its messages.
    pub messages: Vec<Message>,
    /// The lines at the end.
    pub tail: &'static str,
}

/// A message.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its name.
    pub name: String,
    /// The policy after `::`.
    pub policy: Option<String>,
    /// Its bases.
    pub bases: Vec<String>,
    /// Its options, without the word `option` and the semicolon.
    pub options: Vec<String>,
    /// Its fields and links.
    pub members: Vec<Member>,
}

/// A field or a link.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// The text before the options.
    pub text: String,
    /// The peer of a link.
    pub peer: Option<String>,
    /// Its options.
    pub options: Vec<String>,
    /// How the options are written.
    pub layout: Layout,
}

/// How options are written.
#[derive(Clone, Copy, Debug, Default)]
pub enum Layout {
    /// With blanks, and nothing for none.
    #[default]
    Plain,
    /// With blanks, and `[]` for none.
    Empty,
    /// One option on a line, with comments.
    Lines,
    /// Without blanks.
    Tight,
}

impl Set {
    /// Returns the files' names and texts.
    pub fn texts(&self) -> Vec<(String, String)> {
        self.files.iter().enumerate().map(|(at, file)| (format!("{at}.xproto"), file.text())).collect()
    }

    /// Returns all sets that are smaller by one thing.
    pub fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        for (f, file) in self.files.iter().enumerate() {
            for (m, message) in file.messages.iter().enumerate() {
                smaller.push(self.without_message(f, m));
                for at in 0..message.bases.len() {
                    smaller.push(self.with(f, m, |message| drop(message.bases.remove(at))));
                }
                for at in 0..message.options.len() {
                    smaller.push(self.with(f, m, |message| drop(message.options.remove(at))));
                }
                for (at, member) in message.members.iter().enumerate() {
                    smaller.push(self.with(f, m, |message| drop(message.members.remove(at))));
                    for option in 0..member.options.len() {
                        smaller.push(self.with(f, m, |message| drop(message.members[at].options.remove(option))));
                    }
                }
            }
        }
        smaller
    }

    fn with(&self, f: usize, m: usize, change: impl FnOnce(&mut Message)) -> Self {
        let mut set = self.clone();
        change(&mut set.files[f].messages[m]);
        set
    }

    /// Returns the set without a message and all that refers to it.
    fn without_message(&self, f: usize, m: usize) -> Self {
        let mut set = self.clone();
        let gone = set.files[f].messages.remove(m).name;
        for message in set.files.iter_mut().flat_map(|file| &mut file.messages) {
            message.bases.retain(|base| *base != gone);
            message.members.retain(|member| member.peer.as_ref() != Some(&gone));
        }
        set
    }
}

impl File {
    fn text(&self) -> String {
        let messages: Vec<_> = self.messages.iter().map(Message::text).collect();
        format!("{}\n\n{}{}", self.head.join("\n"), messages.join("\n"), self.tail)
    }
}

impl Message {
    fn text(&self) -> String {
        let policy = self.policy.as_ref().map(|policy| format!("::{policy}")).unwrap_or_default();
        let bases = if self.bases.is_empty() { String::new() } else { format!(" ({})", self.bases.join(", ")) };
        let options: String = self.options.iter().map(|option| format!("    option {option};\n")).collect();
        let members: String = self.members.iter().map(Member::text).collect();
        format!("message {}{policy}{bases} {{\n{options}{members}}}\n", self.name)
    }
}

impl Member {
    fn text(&self) -> String {
        let options = match self.layout {
            Layout::Empty if self.options.is_empty() => " []".to_owned(),
            _ if self.options.is_empty() => String::new(),
            Layout::Plain | Layout::Empty => format!(" [{}]", self.options.join(", ")),
            Layout::Lines => {
                format!(" [\n        {}  // here too\n    ]", self.options.join(", // a comment\n        "))
            }
            Layout::Tight => format!("[{}]", self.options.join(",").replace(" = ", "=")),
        };
        format!("    {}{options};\n", self.text)
    }
}
