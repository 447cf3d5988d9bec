//! The allocator of programs that are made with this crate.
//!
//! Almost all work of a controller is reading and writing JSON, a third of it in the system's allocator. A program that
//! wants another one turns the feature `mimalloc` off.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
