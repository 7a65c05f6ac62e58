//! tickwire-examples
