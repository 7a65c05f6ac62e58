//! Tests of connections against each other and against segments made by hand.
