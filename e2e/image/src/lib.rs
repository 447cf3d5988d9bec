//! Container images of the programs, made without a container engine: archives after the OCI image specification.
//!
//! - [`layer`] makes a layer: the same bytes for the same files, on any machine and at any time;
//! - [`archive`] makes an image of layers, as one file that container engines and containerd import;
//! - [`debian`] finds the shared libraries that a program needs, and takes them from Debian's packages;
//! - [`bill`] lists what is in an image (SBOM, CycloneDX);
//! - [`build`] puts these together: the images of this repository.

pub mod archive;
pub mod bill;
pub mod build;
mod command;
pub mod debian;
pub mod layer;
pub mod origin;

pub use archive::Image;
pub use layer::Layer;
