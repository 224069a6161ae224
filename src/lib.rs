//! Litmus tests for device lifetimes in the Linux driver core.
//!
//! The way of the data is `source -> AST -> IR -> cases -> {run | C | Rust}`;
//! [`compile`] shows it in one screen. ARCHITECTURE.md explains the whole.
//! With `default-features = false` the crate is [`sim`] alone.

pub mod sim;

// What pest's parsers name where it does without std (Cargo.toml).
#[cfg(feature = "cli")]
extern crate alloc;

#[cfg(feature = "cli")]
pub mod ask;
#[cfg(feature = "cli")]
mod check;
#[cfg(feature = "cli")]
pub mod codes;
#[cfg(feature = "cli")]
pub mod compile;
#[cfg(feature = "cli")]
pub mod diagnostic;
#[cfg(feature = "cli")]
pub mod emit;
#[cfg(feature = "cli")]
pub mod expand;
#[cfg(feature = "cli")]
pub mod explore;
#[cfg(feature = "cli")]
pub mod give_up;
#[cfg(feature = "cli")]
pub mod identity;
#[cfg(feature = "cli")]
pub mod install;
#[cfg(feature = "cli")]
pub mod ir;
#[cfg(feature = "cli")]
pub mod kinds;
#[cfg(feature = "cli")]
pub mod ktap;
#[cfg(feature = "cli")]
pub mod negate;
#[cfg(feature = "cli")]
pub mod orders;
#[cfg(feature = "cli")]
pub mod output;
#[cfg(feature = "cli")]
pub mod places;
#[cfg(feature = "cli")]
mod platform;
#[cfg(feature = "cli")]
pub mod question;
#[cfg(feature = "cli")]
pub mod random;
#[cfg(feature = "cli")]
pub mod reference;
#[cfg(feature = "cli")]
mod resolve;
#[cfg(feature = "cli")]
pub mod run;
#[cfg(feature = "cli")]
pub mod select;
#[cfg(feature = "cli")]
pub mod series;
#[cfg(feature = "cli")]
pub mod source;
#[cfg(feature = "cli")]
pub mod story;
#[cfg(feature = "cli")]
pub mod syntax;
#[cfg(feature = "cli")]
pub mod trace;
#[cfg(feature = "cli")]
pub mod verify;
