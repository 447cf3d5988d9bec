//! The xproto language: source text to a resolved model set, with diagnostics
