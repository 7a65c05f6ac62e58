//! tickwire-conformance
