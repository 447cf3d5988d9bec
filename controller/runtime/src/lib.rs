//! Command line, configuration and wiring of a synchronizer
