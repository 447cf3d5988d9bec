//! The Synchronizer Reference's example: people, kept in step with a directory
