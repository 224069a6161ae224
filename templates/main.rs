// SPDX-License-Identifier: MIT OR Apache-2.0

//! @{ mark }@, do not edit.
//!
//! One module a suite; `cargo test` runs them on the simulator.
@% for module in modules %@
#[rustfmt::skip]
mod @{ module }@;
@%- endfor %@
