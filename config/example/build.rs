//! Makes Rust structs of the example's models.

fn main() -> Result<(), xos_controller::CodegenError> {
    xos_controller::build(&["mymodel.xproto"])
}
