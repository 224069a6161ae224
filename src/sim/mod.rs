//! A simulator of the Linux driver core, as far as device lifetimes go.
//!
//! It reads like `drivers/base`: functions bear the kernel's names and stand in
//! files with the kernel's names, so that a one-line change of the kernel is a
//! one-line change here. It knows the driver core and nothing else: what a bus
//! or a framework adds is data ([`Kind`], [`Driver`], [`Action`]). It depends on
//! nothing, not even on the rest of this crate.
//!
//! A [`Program`] is immutable and borrowed; a [`State`] holds what changes, as a
//! small value that can be cloned, compared and hashed. [`step`] carries out one
//! operation, deterministically, without allocating; what happens meanwhile goes
//! to an [`Observer`].
//!
//! ```
//! use devres_gen::sim::*;
//!
//! const DEV: DeviceId = DeviceId(0);
//! const CLEANUP: ActionId = ActionId(0);
//! let root = Kind::new("root");
//! let program = Program {
//!     devices: &[Device::new("dev", &root)],
//!     actions: &[Action::new("cleanup", DEV, &[Op::Put(DEV)])],
//!     ..Program::EMPTY
//! };
//!
//! // A reference is held that only the action drops, so without the fix the
//! // action waits for the release, and the release for the action.
//! for (model, runs) in [(Model::ALL, 1), (Model::ALL.without(Fix::DelReleasesDevres), 0)] {
//!     let mut state = State::new();
//!     for op in [Op::Register(DEV), Op::Get(DEV), Op::AddAction(CLEANUP), Op::Unregister(DEV)] {
//!         step(&program, model, &mut state, op, &mut ()).unwrap();
//!     }
//!     assert_eq!(state.runs(CLEANUP), runs);
//! }
//! ```

mod bus;
mod char_dev;
mod claim;
mod core;
mod dd;
mod defects;
mod devres;
mod errno;
mod event;
mod fixes;
mod gives;
mod holdings;
mod kind;
mod kobject;
mod links;
mod list;
mod memory;
mod op;
mod pack;
mod points;
mod program;
mod record;
mod session;
mod state;
mod story;
mod suppliers;
mod work;

pub use self::core::step;
pub use claim::{Callback, Claim};
pub use defects::Defect;
pub use errno::Errno;
pub use event::{Culprit, Devres, Event, Fault, Observer, Warning};
pub use fixes::{Fix, Fixes, Model};
pub use holdings::Holdings;
pub use pack::Packed;
pub use points::Point;
pub use program::{
    Action, ActionId, Device, DeviceId, DeviceSet, Driver, DriverId, Drivers, Group, GroupId,
    Handle, HandleId, Handles, Kind, LinkFlags, MAX_ACTIONS, MAX_DEVICES, MAX_DRIVERS, MAX_GROUPS,
    MAX_HANDLES, MAX_LINKS, Op, Probe, Program, Sort,
};
pub use record::{Happening, Record, Recorder, Snapshot, Snapshots};
pub use session::{Case, Session};
pub use state::{DeviceState, Phase, State};
pub use story::StoryLine;
pub use work::Work;
