//! What the driver core does, written down by hand from measurements on user-mode Linux
//! 6.12 and from its source: the simulator is judged by this, never by itself.
//!
//! Each test bears the kernel function in its name or in the comment above it.

mod bind;
mod buses;
mod corners;
mod counts;
mod deferral;
mod devres;
mod faults;
mod groups;
mod handles;
mod link_flags;
mod links;
mod memory;
mod pair;
mod passes;
mod registration;
mod session;
mod suppliers;
mod util;
mod waits;
