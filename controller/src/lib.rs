//! Write an XOS synchronizer as a Kubernetes controller
