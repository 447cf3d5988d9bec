//! The base of a new service's model, and what an object of it must have.

use clap::ValueEnum;

/// A base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Base {
    /// None but the base of all models
    #[default]
    #[value(name = "XOSBase")]
    Root,
    /// A service itself: what an operator sets up once for all of its instances
    #[value(name = "Service")]
    Service,
    /// What a service gives to one subscriber, device or tenant; it has an owner, which is a Service
    #[value(name = "ServiceInstance")]
    ServiceInstance,
}

/// What differs from base to base in the templates.
pub(crate) struct Parts {
    pub(crate) comment: &'static str,
    /// What the models say of the core's models that they use and do not name otherwise.
    pub(crate) core: &'static str,
    /// Models that the test uses beside the service's own.
    pub(crate) uses: &'static [&'static str],
    pub(crate) test_uses: &'static str,
    pub(crate) test_owner: &'static str,
    /// Required fields of the base, in Rust.
    pub(crate) required: &'static str,
    pub(crate) owner_object: &'static str,
    /// The same in YAML.
    pub(crate) spec: &'static str,
}

const CORE: &str = " Models of XOS's core, such as its base, come with the framework.";

impl Base {
    /// Returns the name of the model.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::Root => "XOSBase",
            Self::Service => "Service",
            Self::ServiceInstance => "ServiceInstance",
        }
    }

    pub(crate) fn parts(self) -> Parts {
        let none = Parts {
            comment: "",
            core: "",
            uses: &[],
            test_uses: "",
            test_owner: "",
            required: "",
            owner_object: "",
            spec: "",
        };
        match self {
            Self::Root => none,
            Self::Service => {
                Parts { comment: CORE, required: "name: \"first\".to_owned(), ", spec: "  name: first\n", ..none }
            }
            Self::ServiceInstance => Parts {
                comment: CORE,
                core: OWNERS,
                uses: &["NewService", "Service"],
                test_uses: "use xos_controller::model::Link;\n",
                test_owner: OWNER,
                required: "owner: Link::to(\"{{name}}\"), ",
                owner_object: OWNER_OBJECT,
                spec: "  owner:\n    name: {{name}}\n",
            },
        }
    }
}

const OWNERS: &str =
    "// The owners of the instances. With a model of your own for them, which inherits from Service, it can go.
option uses = \"Service\";
";
const OWNER: &str = "    let required = NewService { name: \"{{name}}\".to_owned() };
    world.apply(&Service::new(required).named(\"{{name}}\")).unwrap();
";
const OWNER_OBJECT: &str = "# The owner of the instances: a Service of XOS's core.
apiVersion: core.xos.opencord.org/v1
kind: Service
metadata:
  name: {{name}}
spec:
  name: {{name}}
---
";
