//! A real control plane for tests, and the tests
