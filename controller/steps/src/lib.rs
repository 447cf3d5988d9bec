//! The extension API: step traits, their contexts and errors
