//! Input that nobody would write, output folders that are not as they should be, and text
//! that tries to get out of its place. Whatever comes: an answer in time, what is wrong and
//! what to do, and nothing lost.

mod input;
mod interrupted;
mod links;
mod output;
mod places;
mod syntax;
mod tokens;
mod util;
