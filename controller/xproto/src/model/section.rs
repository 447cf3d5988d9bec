//! Facts about the members of a model that the rest of the controller shares: who sets a member, and where its value
//! is.

use super::{Field, FieldState, Link, Member, Model};

/// The base of all models. The compiler brings it along, unless a file declares it.
pub const XOS_BASE: &str = "XOSBase";

/// The bookkeeping fields that operators set, on any object.
const OPERATOR_SWITCHES: [&str; 5] = ["no_sync", "no_policy", "write_protect", "lazy_blocked", "xos_managed"];

/// The part of a custom resource that holds the value of a field or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Declarative fields, and the five bookkeeping fields that operators set.
    Spec,
    /// Feedback, and all other bookkeeping.
    Status,
}

impl Section {
    fn of(name: &str, state: FieldState) -> Self {
        match state {
            FieldState::Declarative => Self::Spec,
            FieldState::Bookkeeping if OPERATOR_SWITCHES.contains(&name) => Self::Spec,
            FieldState::Feedback | FieldState::Bookkeeping => Self::Status,
        }
    }

    /// Returns the key in the custom resource.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Status => "status",
        }
    }
}

/// Returns whether steps and operators may set a member: all but the framework's own bookkeeping.
fn is_settable(name: &str, state: FieldState) -> bool {
    state != FieldState::Bookkeeping || Section::of(name, state) == Section::Spec
}

impl Field {
    /// Returns the section that holds its value.
    #[must_use]
    pub fn section(&self) -> Section {
        Section::of(&self.name, self.state)
    }

    /// Returns whether steps and operators may set it: all fields but the framework's own bookkeeping.
    #[must_use]
    pub fn is_settable(&self) -> bool {
        is_settable(&self.name, self.state)
    }

    /// Returns whether it is declared by [`XOS_BASE`], so that the objects of all models have it.
    #[must_use]
    pub fn is_common(&self) -> bool {
        self.declared_in == XOS_BASE
    }
}

impl Link {
    /// Returns the section that holds its value.
    #[must_use]
    pub fn section(&self) -> Section {
        Section::of(&self.name, self.state)
    }

    /// Returns whether steps and operators may set it: all links but the framework's own bookkeeping.
    #[must_use]
    pub fn is_settable(&self) -> bool {
        is_settable(&self.name, self.state)
    }
}

impl Member {
    /// Returns who sets it.
    #[must_use]
    pub fn state(&self) -> FieldState {
        match self {
            Self::Field(field) => field.state,
            Self::Link(link) => link.state,
        }
    }

    /// Returns the section that holds its value.
    #[must_use]
    pub fn section(&self) -> Section {
        Section::of(self.name(), self.state())
    }

    /// Returns whether steps and operators may set it: all members but the framework's own bookkeeping.
    #[must_use]
    pub fn is_settable(&self) -> bool {
        is_settable(self.name(), self.state())
    }
}

impl Model {
    /// Returns the members that a section holds.
    pub fn members_in(&self, section: Section) -> impl Iterator<Item = &Member> {
        self.members().filter(move |member| member.section() == section)
    }

    /// Returns the link `owner` and the class of its peer, if the controller sets the link where it is left out: where
    /// the model has the option `owner_class_name` (XOS 4.0.4, `ServiceInstance.set_owner`).
    #[must_use]
    pub fn filled_owner(&self) -> Option<(&Link, &str)> {
        let class = self.owner_class_name.as_deref()?;
        let link = self.link("owner")?;
        (link.section() == Section::Spec && !link.is_to_many()).then_some((link, class))
    }

    /// Returns whether an object of this model without the link is refused. A list of peers may be empty, and a link
    /// with a default, or one that the controller sets, may be left out.
    #[must_use]
    pub fn must_have(&self, link: &Link) -> bool {
        let is_filled = || self.filled_owner().is_some_and(|(filled, _)| filled.name == link.name);
        link.required && !link.is_to_many() && link.default.is_none() && !is_filled()
    }

    /// Returns the fields that a section holds.
    pub fn fields_in(&self, section: Section) -> impl Iterator<Item = &Field> {
        self.fields.iter().map(AsRef::as_ref).filter(move |field: &&Field| field.section() == section)
    }

    /// Returns the links that a section holds.
    pub fn links_in(&self, section: Section) -> impl Iterator<Item = &Link> {
        self.links.iter().map(AsRef::as_ref).filter(move |link: &&Link| link.section() == section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sources, compile};

    #[test]
    fn the_state_of_a_member_says_where_it_is_and_who_sets_it() {
        let mut sources = Sources::new();
        let text = "option app_label = \"a\"; message M (XOSBase) {
            required int32 wanted = 1; optional int32 seen = 2 [feedback_state = True];
            optional int32 kept = 3 [bookkeeping_state = True]; optional manytoone up->M:down = 4;
            optional manytoone found->M:finders = 5 [feedback_state = True]; }";
        sources.add("m.xproto", text);
        let compiled = compile(&sources);
        assert!(!compiled.has_errors());
        let model = compiled.models.get("M").unwrap();
        for (name, section, is_settable) in [
            ("wanted", Section::Spec, true),
            ("seen", Section::Status, true),
            ("kept", Section::Status, false),
            ("up", Section::Spec, true),
            ("found", Section::Status, true),
            ("no_sync", Section::Spec, true),
            ("backend_status", Section::Status, true),
            ("enacted", Section::Status, false),
        ] {
            let member = model.member(name).unwrap();
            assert_eq!((member.section(), member.is_settable()), (section, is_settable), "{name}");
            assert!(model.members_in(section).any(|one| one == member), "{name}");
        }
        let spec: Vec<_> = model.fields_in(Section::Spec).filter(|field| !field.is_common()).collect();
        assert_eq!(spec, [model.field("wanted").unwrap()]);
        assert_eq!(model.links_in(Section::Status).collect::<Vec<_>>(), [model.link("found").unwrap()]);
        assert!(model.field("no_sync").unwrap().is_common() && model.member("nothing").is_none());
    }
}
