//! CEL rules for what types and limits cannot express.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;
use xos_xproto::{ContentType, Field};

/// Returns the rules of a field's `content_type`. A field that may be blank may also be empty.
pub(crate) fn of_content(field: &Field) -> Option<Vec<ValidationRule>> {
    let (rule, message) = match field.content_type? {
        // XOS trims such texts when it saves them; a custom resource is stored as it was written.
        ContentType::Stripped => ("self == self.trim()", "must not begin or end with blanks"),
        ContentType::Url => ("self == '' || isURL(self)", "must be a URL, such as http://example.org/path"),
        ContentType::Ip => ("self == '' || isIP(self)", "must be an IP address, such as 192.0.2.1 or 2001:db8::1"),
        ContentType::Date => return None,
    };
    Some(vec![ValidationRule {
        rule: rule.to_owned(),
        message: Some(format!("{} {message}", field.name)),
        ..ValidationRule::default()
    }])
}
