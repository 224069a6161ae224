//! What can be known of a case at a point of its time line.

use super::Recorder;
use super::program::{ActionId, DeviceId, DriverId, Program};

/// Something that the driver core calls, and that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Callback {
    /// A device-managed action.
    Action(ActionId),
    /// The probe of a driver.
    Probe(DriverId),
    /// The remove of a driver.
    Remove(DriverId),
    /// The probe of any driver, on this device.
    ProbeOf(DeviceId),
    /// The remove of any driver, on this device.
    RemoveOf(DeviceId),
}

impl From<ActionId> for Callback {
    fn from(action: ActionId) -> Self {
        Callback::Action(action)
    }
}

impl Callback {
    /// As the language names it.
    pub fn describe(self, program: &Program<'_>) -> String {
        match self {
            Callback::Action(id) => program.action(id).name.to_owned(),
            Callback::Probe(id) => format!("{}.probe", program.driver(id).name),
            Callback::Remove(id) => format!("{}.remove", program.driver(id).name),
            Callback::ProbeOf(id) => format!("{}.probe", program.device(id).name),
            Callback::RemoveOf(id) => format!("{}.remove", program.device(id).name),
        }
    }
}

/// Something that can be known of a case at a point of its time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// The callback ran, exactly once.
    Ran(Callback),
    /// The callback ran exactly that often.
    RanTimes(Callback, u8),
    /// The callback did not run.
    NotRun(Callback),
    /// The action ran as often as it was added.
    RanAsAdded(ActionId),
    /// Nobody is left to free the memory: it is freed, on a list, or was never there.
    GivenUp(ActionId),
    /// Both callbacks ran, and the first one's last run began before the second one's.
    Before(Callback, Callback),
    /// The device is there, and has so many references more than when its registration
    /// returned. Absolute counts are the business of lists, and of traces.
    Refs(DeviceId, i16),
    /// The device's release function was called.
    Freed(DeviceId),
    /// The device was released, or was never there.
    Gone(DeviceId),
    /// The device exists and was not released.
    Alive(DeviceId),
    /// The device has a driver, `dev->driver`.
    Bound(DeviceId),
    /// The device has none, or is gone.
    Unbound(DeviceId),
    /// The kernel has warned since the case began, as often as may be.
    Warned,
    /// It has not.
    NotWarned,
}

impl Claim {
    /// [`Claim::Ran`] of whatever can be called.
    pub fn ran(callback: impl Into<Callback>) -> Claim {
        Claim::Ran(callback.into())
    }

    /// [`Claim::RanTimes`] of whatever can be called.
    pub fn ran_times(callback: impl Into<Callback>, times: u8) -> Claim {
        Claim::RanTimes(callback.into(), times)
    }

    /// [`Claim::NotRun`] of whatever can be called.
    pub fn not_run(callback: impl Into<Callback>) -> Claim {
        Claim::NotRun(callback.into())
    }

    /// That the callback ran exactly so often.
    pub fn ran_so_often(callback: Callback, times: usize) -> Claim {
        match times {
            0 => Claim::NotRun(callback),
            1 => Claim::Ran(callback),
            times => Claim::RanTimes(callback, u8::try_from(times).unwrap_or(u8::MAX)),
        }
    }

    /// [`Claim::Before`] of whatever can be called.
    pub fn before(first: impl Into<Callback>, second: impl Into<Callback>) -> Claim {
        Claim::Before(first.into(), second.into())
    }

    /// Whether no case can have both.
    pub fn excludes(self, other: Claim) -> bool {
        let times = |claim| match claim {
            Claim::Ran(callback) => Some((callback, 1)),
            Claim::RanTimes(callback, times) => Some((callback, times)),
            Claim::NotRun(callback) => Some((callback, 0)),
            _ => None,
        };
        if let (Some((one, often)), Some((other, otherwise))) = (times(self), times(other)) {
            return one == other && often != otherwise;
        }
        match (self, other) {
            (Claim::Freed(one), Claim::Alive(other) | Claim::Bound(other))
            | (Claim::Alive(one) | Claim::Bound(one), Claim::Freed(other))
            | (Claim::Bound(one), Claim::Unbound(other))
            | (Claim::Unbound(one), Claim::Bound(other)) => one == other,
            (Claim::Warned, Claim::NotWarned) | (Claim::NotWarned, Claim::Warned) => true,
            _ => false,
        }
    }

    /// The device that the claim is about, if it is about one.
    pub fn device(self) -> Option<DeviceId> {
        match self {
            Claim::Refs(device, _)
            | Claim::Freed(device)
            | Claim::Gone(device)
            | Claim::Alive(device)
            | Claim::Bound(device)
            | Claim::Unbound(device) => Some(device),
            Claim::Ran(_) | Claim::RanTimes(..) | Claim::NotRun(_) | Claim::Before(..) => None,
            Claim::RanAsAdded(_) | Claim::GivenUp(_) => None,
            Claim::Warned | Claim::NotWarned => None,
        }
    }

    /// The callbacks that the claim is about, if it is about some.
    pub fn callbacks(self) -> impl Iterator<Item = Callback> {
        let (first, second) = match self {
            Claim::Ran(one) | Claim::RanTimes(one, _) | Claim::NotRun(one) => (Some(one), None),
            Claim::Before(first, second) => (Some(first), Some(second)),
            Claim::RanAsAdded(action) => (Some(action.into()), None),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Whether the claim is true of what has been recorded so far.
    pub fn holds(self, so_far: &Recorder<'_>) -> bool {
        let state = so_far.state();
        match self {
            Claim::Before(first, second) => {
                matches!((so_far.last_run(first), so_far.last_run(second)), (Some(first), Some(second)) if first < second)
            }
            Claim::Ran(callback) => so_far.runs(callback) == 1,
            Claim::RanTimes(callback, times) => so_far.runs(callback) == usize::from(times),
            Claim::NotRun(callback) => so_far.runs(callback) == 0,
            Claim::RanAsAdded(action) => so_far.runs(action.into()) == so_far.adds(action),
            Claim::GivenUp(memory) => !state.is_owned(memory),
            Claim::Refs(device, more) => {
                let registered = so_far.refs_when_registered(device);
                let now = state.device(device).refs();
                state.device(device).is_alive()
                    && registered
                        .is_some_and(|then| i32::from(now) == i32::from(then) + i32::from(more))
            }
            Claim::Freed(device) => state.device(device).is_released(),
            Claim::Gone(device) => !state.device(device).is_alive(),
            Claim::Alive(device) => state.device(device).is_alive(),
            Claim::Bound(device) => state.device(device).driver().is_some(),
            Claim::Unbound(device) => state.device(device).driver().is_none(),
            Claim::Warned => so_far.has_warned(),
            Claim::NotWarned => !so_far.has_warned(),
        }
    }

    /// What is so instead where the claim is not true of what has been recorded so far, in words.
    pub fn found(self, so_far: &Recorder<'_>) -> String {
        let times = |callback| match so_far.runs(callback) {
            0 => "it did not run".to_owned(),
            1 => "it ran".to_owned(),
            times => format!("it ran {times} times"),
        };
        let state = so_far.state();
        let is = |dev| {
            let device = state.device(dev);
            if device.is_alive() {
                "it is there"
            } else if device.is_released() {
                "it is freed"
            } else {
                "it is not there yet"
            }
        };
        match self {
            Claim::Ran(callback) | Claim::RanTimes(callback, _) | Claim::NotRun(callback) => {
                times(callback)
            }
            Claim::RanAsAdded(action) => times(action.into()),
            Claim::GivenUp(_) => "it was never freed".to_owned(),
            Claim::Before(first, second) => match (so_far.runs(first), so_far.runs(second)) {
                (0, 0) => "neither ran".to_owned(),
                (0, _) => "the first did not run".to_owned(),
                (_, 0) => "the second did not run".to_owned(),
                _ => "they ran the other way round".to_owned(),
            },
            Claim::Refs(dev, _) => {
                let then = so_far.refs_when_registered(dev);
                match then.filter(|_| state.device(dev).is_alive()) {
                    Some(then) => {
                        let now = i32::from(state.device(dev).refs());
                        format!("it is {:+}", now - i32::from(then))
                    }
                    None => is(dev).to_owned(),
                }
            }
            Claim::Freed(dev) | Claim::Gone(dev) | Claim::Alive(dev) => is(dev).to_owned(),
            Claim::Bound(dev) | Claim::Unbound(dev) if !state.device(dev).is_alive() => {
                is(dev).to_owned()
            }
            Claim::Bound(dev) if !state.device(dev).devres.is_empty() => {
                "it is unbound, and something is on its list: no driver is probed then".to_owned()
            }
            Claim::Bound(_) => "it is unbound".to_owned(),
            Claim::Unbound(_) => "it is bound".to_owned(),
            Claim::Warned => "there was none".to_owned(),
            Claim::NotWarned => "there was one".to_owned(),
        }
    }

    /// The outcome that is so instead where the claim is not true of what has been recorded so far, as
    /// the language spells it, if it has a word for that.
    pub fn instead(self, so_far: &Recorder<'_>) -> Option<&'static str> {
        match self {
            Claim::Ran(callback) | Claim::RanTimes(callback, _) | Claim::NotRun(callback) => {
                match so_far.runs(callback) {
                    0 => Some("not run"),
                    1 => Some("ran"),
                    _ => None,
                }
            }
            Claim::Freed(dev) if so_far.state().device(dev).is_alive() => Some("alive"),
            Claim::Alive(dev) if so_far.state().device(dev).is_released() => Some("freed"),
            Claim::Bound(_) => Some("unbound"),
            Claim::Unbound(_) => Some("bound"),
            Claim::Warned => Some("no warning"),
            Claim::NotWarned => Some("warning"),
            _ => None,
        }
    }

    /// The claim in the words of the language.
    pub fn describe(self, program: &Program<'_>) -> String {
        let device = |id| program.device(id).name;
        match self {
            Claim::Ran(callback) => format!("{} ran", callback.describe(program)),
            Claim::RanTimes(callback, times) => {
                format!("{} ran {times} times", callback.describe(program))
            }
            Claim::NotRun(callback) => format!("{} not run", callback.describe(program)),
            Claim::RanAsAdded(id) => format!("{} ran as often as added", program.action(id).name),
            Claim::GivenUp(id) => format!("{} freed", program.action(id).name),
            Claim::Before(first, second) => format!(
                "order {} < {}",
                first.describe(program),
                second.describe(program)
            ),
            Claim::Refs(id, more) => format!("refs {} {more:+}", device(id)),
            Claim::Freed(id) | Claim::Gone(id) => format!("{} freed", device(id)),
            Claim::Alive(id) => format!("{} alive", device(id)),
            Claim::Bound(id) => format!("{} bound", device(id)),
            Claim::Unbound(id) => format!("{} unbound", device(id)),
            Claim::Warned => "warning".to_owned(),
            Claim::NotWarned => "no warning".to_owned(),
        }
    }
}
