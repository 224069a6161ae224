//! From text to tree.

pub mod ast;
mod parse;

pub use parse::parse;
