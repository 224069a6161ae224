//! From text to tree.

pub mod ast;
mod complain;
mod parse;
mod repair;

pub use parse::parse;
