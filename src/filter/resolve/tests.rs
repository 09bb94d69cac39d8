//! Tests of the resolver, with names that only they know.
use super::*;
