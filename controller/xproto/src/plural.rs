//! The English plural of a model's name, as XOS forms it (inflect 2.1.0's `plural_noun`).
//!
//! To XOS a capitalised word is a proper noun: `ServiceDependency` becomes `ServiceDependencys`.

/// The plural of a model that sets no option `plural`.
#[must_use]
pub fn plural(name: &str) -> String {
    if name.chars().any(char::is_lowercase) { of_word(name) } else { of_acronym(name) }
}

fn of_acronym(name: &str) -> String {
    let ending = if name.ends_with('X') { "ES" } else { "S" };
    format!("{name}{ending}")
}

fn of_word(name: &str) -> String {
    const SAME: [&str; 5] = ["Chassis", "Series", "Fish", "Sheep", "News"];
    const HISSING: [&str; 6] = ["ss", "x", "ch", "sh", "us", "as"];
    if SAME.iter().any(|word| name.ends_with(word)) {
        return name.to_owned();
    }
    if let Some(stem) = name.strip_suffix("sis") {
        return format!("{stem}ses");
    }
    let ending = if HISSING.iter().any(|end| name.ends_with(end)) { "es" } else { "s" };
    format!("{name}{ending}")
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn plurals_are_those_of_xos() {
        for (name, expected) in [
            ("SimpleExampleService", "SimpleExampleServices"),
            ("Switch", "Switches"),
            ("RCORDIpAddress", "RCORDIpAddresses"),
            ("Box", "Boxes"),
            ("Mesh", "Meshes"),
            ("Status", "Statuses"),
            ("Alias", "Aliases"),
            ("WhiteListEntry", "WhiteListEntrys"),
            ("ServiceDependency", "ServiceDependencys"),
            ("Analysis", "Analyses"),
            ("Chassis", "Chassis"),
            ("VTNSettings", "VTNSettingss"),
            ("VLAN", "VLANS"),
            ("DNS", "DNSS"),
            ("X", "XES"),
            ("Test1", "Test1s"),
        ] {
            assert_eq!(plural(name), expected, "{name}");
        }
    }
}
