//! From text to tree.

pub mod ast;
mod parse;
mod repair;

pub use parse::parse;
