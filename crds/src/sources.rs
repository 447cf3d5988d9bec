//! Secret fields whose value comes from a Secret: `passwordFrom: {secretKeyRef: {name, key}}` in place of `password`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, ValidationRule};
use xos_xproto::{Field, Model, camel_case};

use crate::schema::{must_be_given, object};

/// The longest names of a Secret and of its keys.
const LONGEST: i64 = 253;

/// Returns the schema of a reference to a key of a Secret.
pub(crate) fn schema(field: &Field) -> JSONSchemaProps {
    let text = |description: &str| JSONSchemaProps {
        type_: Some("string".to_owned()),
        min_length: Some(1),
        max_length: Some(LONGEST),
        description: Some(description.to_owned()),
        ..JSONSchemaProps::default()
    };
    let reference = JSONSchemaProps {
        description: Some("A key of a Secret of the same namespace.".to_owned()),
        required: Some(vec!["key".to_owned(), "name".to_owned()]),
        ..object([("name".to_owned(), text("The Secret.")), ("key".to_owned(), text("Its key."))].into())
    };
    JSONSchemaProps {
        description: Some(format!("From where the value of {} comes, in place of it.", field.camel_name())),
        required: Some(vec!["secretKeyRef".to_owned()]),
        ..object([("secretKeyRef".to_owned(), reference)].into())
    }
}

/// Returns the rules: a value or a reference, not both; one of them where the field must be given.
pub(crate) fn rules(model: &Model) -> impl Iterator<Item = ValidationRule> + '_ {
    model.secret_sources().flat_map(|(field, source)| {
        let (value, reference) = (field.camel_name(), camel_case(&source));
        let rule = |rule: String, message: String| ValidationRule {
            rule,
            message: Some(message),
            field_path: Some(format!(".{reference}")),
            ..ValidationRule::default()
        };
        let both = rule(
            format!("!has(self.{value}) || !has(self.{reference})"),
            format!("give {value} or {reference}, not both"),
        );
        let one = must_be_given(field).then(|| {
            rule(format!("has(self.{value}) || has(self.{reference})"), format!("give {value} or {reference}"))
        });
        [Some(both), one].into_iter().flatten()
    })
}
