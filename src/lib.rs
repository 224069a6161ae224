//! Litmus tests for device lifetimes in the Linux driver core.

pub mod sim;
