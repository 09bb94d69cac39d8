//! Graphs as text, and for Graphviz.
