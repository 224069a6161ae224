//! From text to tree.

pub mod ast;
mod complain;
mod format;
mod parse;
mod repair;
mod statements;
pub mod words;

pub use format::format;
pub use parse::{MAX_NAME, is_keyword, parse};
pub use repair::code_of;
