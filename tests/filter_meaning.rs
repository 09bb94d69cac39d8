//! What filters mean: programs against the judge.

mod support;
