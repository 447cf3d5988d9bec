//! XOS models as Kubernetes custom resources
