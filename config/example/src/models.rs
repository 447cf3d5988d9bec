//! The models, with their properties (XOS's convenience methods): those of `convenience/mymodel.yaml`.

xos_controller::include_models!();
