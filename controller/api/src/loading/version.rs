//! Which versions of XOS a service is for.

use crate::error::ApiError;

/// The version of XOS whose API this is.
pub(crate) const XOS: &str = "4.0.4";

/// Checks what a service asks for: one condition, as `>=4.0.0`, or `min ~ max`, each one. Nothing asked: all.
pub(super) fn check(service: &str, asked: &str) -> Result<(), ApiError> {
    let unread =
        || ApiError::field("core_version", format!("`{asked}` is no version: write `>=4.0.0`, or `>=4.0.0 ~ <5.0.0`"));
    let actual = numbers(XOS).unwrap_or_default();
    for condition in asked.split('~').map(str::trim).filter(|condition| !condition.is_empty()) {
        let digits = condition.find(|letter: char| letter.is_ascii_digit()).ok_or_else(unread)?;
        let (operator, version) = condition.split_at(digits);
        let order = actual.cmp(&numbers(version).ok_or_else(unread)?);
        let is_met = match operator.trim() {
            ">=" => order.is_ge(),
            ">" => order.is_gt(),
            "<=" => order.is_le(),
            "<" => order.is_lt(),
            "" | "=" | "==" => order.is_eq(),
            "!=" => order.is_ne(),
            _ => return Err(unread()),
        };
        if !is_met {
            let what = format!("Service {service} is requesting core version {asked} but actual version is {XOS}");
            return Err(ApiError::Invalid { what, fields: [].into() });
        }
    }
    Ok(())
}

/// Returns the numbers of a version, without what follows a `-`.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut numbers = [0; 3];
    let plain = version.trim().split(['-', '+']).next()?;
    for (at, part) in plain.split('.').enumerate() {
        *numbers.get_mut(at)? = part.parse().ok()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_service_is_for_some_versions() {
        for (asked, is_met) in [
            ("", true),
            (">=4.0.0", true),
            (">=4.0.4 ~ <5.0.0", true),
            ("4.0.4", true),
            (">= 4", true),
            ("<4.0.4", false),
            (">=5.0.0", false),
            (">=3.0.0 ~ <=4.0.3", false),
        ] {
            assert_eq!(check("a", asked).is_ok(), is_met, "{asked}");
        }
        let told = check("a", ">=5.0.0").unwrap_err().to_string();
        assert_eq!(told, "Service a is requesting core version >=5.0.0 but actual version is 4.0.4");
        for wrong in ["four", ">=4.x", "1.2.3.4"] {
            assert!(check("a", wrong).unwrap_err().to_string().contains("is no version"), "{wrong}");
        }
    }
}
