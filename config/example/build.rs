//! Makes Rust structs of the example's models.

fn main() -> Result<(), xos_codegen::CodegenError> {
    xos_codegen::build(&["mymodel.xproto"])
}
