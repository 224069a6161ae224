//! The kernel's own log of managed resources against the simulator's: evidence that does
//! not come from the emitted C.
//!
//! With `CONFIG_DEBUG_DEVRES` and `devres.log=1`, `devres_log()` in drivers/base/devres.c
//! (Linux 6.1 to 7.2) prints a line for whatever is added to the list of a device, taken
//! off it, or released with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::emit::names;
use crate::ktap::Devres;
use crate::run::Managed;

/// What the kernel has to be built with.
pub(super) const KCONFIG: [&str; 2] = ["CONFIG_DEBUG_KERNEL=y", "CONFIG_DEBUG_DEVRES=y"];

/// What it has to be told.
pub(super) const KERNEL_ARG: &str = "devres.log=1";

/// What the kernel calls a device whose name is not set yet: that of a platform device is
/// by platform_device_add().
const UNNAMED: &str = "(null)";

/// What the names of the ends of groups begin with: `grp<` and `grp>`.
const GROUP: &str = "grp";

/// How many entries agree; or in what the logs differ.
///
/// The kernel knows no names of ours, but each resource by its address: that of the
/// address is who was added when the simulator added it.
pub(super) fn compare<'l>(simulator: &'l [Managed], kernel: &'l [Devres]) -> Result<usize, String> {
    let mut known: BTreeMap<&'l str, &'l str> = BTreeMap::new();
    // What took the place of another one has an address that nobody was told of.
    let mut moved: BTreeSet<&str> = BTreeSet::new();
    // Some buses name their devices themselves: they keep the name that they come with.
    let mut devices: BTreeMap<&str, &str> = BTreeMap::new();
    let mut same = |ours, theirs| {
        let by_bus = !known_name(simulator, theirs);
        theirs == UNNAMED
            || theirs == names::c_device_name(ours)
            || by_bus && *devices.entry(theirs).or_insert(ours) == ours
    };
    // The ends of groups are nodes as well, of which nobody speaks but the kernel.
    let is_resource = |entry: &&Devres| !entry.name.starts_with(GROUP);
    let kernel: Vec<&Devres> = kernel.iter().filter(is_resource).collect();
    for index in 0..simulator.len().max(kernel.len()) {
        let agrees = match (simulator.get(index), kernel.get(index)) {
            (Some(ours), Some(theirs)) => {
                let action = ours.action.as_str();
                let address = theirs.address.as_str();
                if theirs.what == "ADD" || !known.contains_key(address) && moved.remove(action) {
                    known.insert(address, action);
                }
                let is_it = known.get(address) == Some(&action);
                if theirs.what == "REPLACE" {
                    known.remove(address);
                    moved.insert(action);
                }
                ours.what.word() == theirs.what && same(&ours.device, &theirs.device) && is_it
            }
            _ => false,
        };
        if !agrees {
            let ours = simulator.get(index).map_or("nothing".to_owned(), |ours| {
                format!("{} {} {}", ours.what.word(), ours.action, ours.device)
            });
            let theirs = kernel.get(index).map_or("nothing".to_owned(), |theirs| {
                let known = known.get(theirs.address.as_str());
                let name = known.map_or(theirs.name.as_str(), |name| *name);
                format!("{} {name} {}", theirs.what, theirs.device)
            });
            return Err(format!(
                "the kernel's own log of managed resources parts from the simulator at entry {}\n    \
                 kernel:    {theirs}\n    simulator: {ours}",
                index + 1
            ));
        }
    }
    Ok(simulator.len())
}

/// Whether a device of the simulator's would be called so in C.
fn known_name(simulator: &[Managed], theirs: &str) -> bool {
    let mut devices = simulator.iter().map(|entry| &entry.device);
    devices.any(|ours| names::c_device_name(ours) == theirs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim;

    fn ours(what: sim::Devres, action: &str) -> Managed {
        Managed {
            what,
            action: action.to_owned(),
            device: "dev".to_owned(),
        }
    }

    fn theirs(what: &str, address: &str) -> Devres {
        Devres {
            what: what.to_owned(),
            device: "devres-dev".to_owned(),
            address: address.to_owned(),
            name: "some_action".to_owned(),
        }
    }

    #[test]
    fn a_resource_is_known_by_its_address() {
        use sim::Devres::{Add, Release};
        let simulator = [
            ours(Add, "first"),
            ours(Add, "second"),
            ours(Release, "second"),
            ours(Release, "first"),
        ];
        let kernel = |last: [&str; 2]| {
            [
                theirs("ADD", "a"),
                theirs("ADD", "b"),
                theirs("REL", last[0]),
                theirs("REL", last[1]),
            ]
        };
        assert_eq!(compare(&simulator, &kernel(["b", "a"])), Ok(4));
        let wrong = compare(&simulator, &kernel(["a", "b"])).unwrap_err();
        assert!(wrong.contains("entry 3"), "{wrong}");
        assert!(wrong.contains("kernel:    REL first devres-dev"), "{wrong}");
        let moved = [
            theirs("ADD", "a"),
            theirs("REPLACE", "a"),
            theirs("REL", "b"),
        ];
        let grown = [
            ours(Add, "first"),
            ours(sim::Devres::Replace, "first"),
            ours(Release, "first"),
        ];
        assert_eq!(compare(&grown, &moved), Ok(3));
        let short = compare(&simulator, &kernel(["b", "a"])[..3]).unwrap_err();
        assert!(short.contains("kernel:    nothing"), "{short}");
    }
}
