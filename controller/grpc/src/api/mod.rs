//! The flattened API of a model set: one message for each model, with all that the model inherits.
//!
//! All numbers, names and options are those of XOS 4.0.4, because clients and cores of both must work together. Where
//! XOS's output cannot be read by any client, or XOS ignores what is written, we follow the models:
//!
//! | what | XOS 4.0.4 | here |
//! |---|---|---|
//! | a state or `gui_hidden` that says `False` | set | not set |
//! | `max_length` in quotes | `maxLength = "200"`, which protoc rejects | the number |
//! | a package before a peer | no reverse link; `modelName` has the package, which no client finds | as without it |
//! | a link without a peer port | the compiler stops | no reverse link |
//! | `onetomany` | not in the grammar | a link to many, like `manytomany` |
//! | a base that is inherited in two ways | everything of it twice | once |
//! | an option of a message that is given twice | the last one counts | the first one, as for fields |
//! | file options | hold in all later files, for messages below them | hold in their own file, for all messages |
//! | a model called `CordSubscriberRoot` | belongs to `rcord` whatever it says | belongs where it says |

mod check;
mod fields;
mod http;
mod options;
mod proto;
mod read;
mod reverse;

use xos_xproto::{Model, ModelSet, XOS_BASE};

pub use check::{ApiError, Problem};
pub use fields::{Field, FieldKind};
pub use http::{Method, Verb};
pub use options::FieldOptions;

/// The API of a model set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The messages, ordered by name, ignoring case.
    pub messages: Vec<Message>,
}

/// The message of a model, and that of a list of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The model's name.
    pub name: String,
    /// The name of the message for a list.
    pub plural: String,
    /// The service that the model belongs to: option `name`, else `app_label`. It is part of the paths of the REST
    /// interface.
    pub service: String,
    /// The content type: the service and the model's name in lower case.
    pub content_type: String,
    /// The fields, by number.
    pub fields: Vec<Field>,
}

impl Api {
    /// Returns the API of all models but XOSBase, also of abstract ones.
    ///
    /// # Errors
    /// When the messages would not be valid. Models that compile without errors rarely are so: it takes names that
    /// collide with those that the API adds.
    pub fn of(models: &ModelSet) -> Result<Self, ApiError> {
        let mut messages: Vec<_> =
            models.iter().filter(|model| model.name != XOS_BASE).map(|model| Message::of(models, model)).collect();
        messages.sort_by_key(|message| message.name.to_lowercase());
        let api = Self { messages };
        check::check(&api)?;
        Ok(api)
    }

    /// Returns the message of that name.
    #[must_use]
    pub fn message(&self, name: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.name == name)
    }

    /// Returns the text of the file `xos.proto`.
    #[must_use]
    pub fn to_proto(&self) -> String {
        proto::text(self)
    }
}

impl Message {
    fn of(models: &ModelSet, model: &Model) -> Self {
        let service = model.service_name.as_ref().unwrap_or(&model.app_label).clone();
        Self {
            name: model.name.clone(),
            plural: model.plural.clone(),
            content_type: format!("{service}.{}", model.name.to_lowercase()),
            service,
            fields: fields::of(models, model),
        }
    }

    /// Returns the field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the methods of the service, in XOS's order.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        http::methods(self)
    }
}
