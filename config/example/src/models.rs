//! The models, and their computed properties (XOS's convenience methods).

xos_controller::include_models!();

/// The computed property `full_name`.
pub trait FullName {
    /// Returns the first and the last name.
    fn full_name(&self) -> String;
}

impl FullName for MyModel {
    fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}
