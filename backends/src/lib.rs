//! tickwire-backends
