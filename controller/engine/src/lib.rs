//! The reconciler: load, decide, act, record
