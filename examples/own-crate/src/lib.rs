//! Nothing: this crate is about its tests. `scenarios/` holds scenarios with a kind of
//! this crate's own, `generated/` what came of
//! `devres-gen compile scenarios --out generated`, and `tests/by_hand.rs` a test that uses
//! the simulator without any of that.
