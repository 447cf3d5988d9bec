//! The models, and their computed properties (XOS's convenience methods).

xos_controller::include_models!();

/// The computed property `full_name`.
pub trait FullName {
    /// First and last name, as a person is addressed.
    fn full_name(&self) -> String;
}

impl FullName for MyModel {
    fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}
