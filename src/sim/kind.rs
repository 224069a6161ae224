//! Kinds of device: what a bus or a framework makes of them, as data.

/// How a device comes to be, as far as the driver core can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind<'a> {
    /// The name under which scenarios ask for it.
    pub name: &'a str,
    /// Whether it sits on a bus (`dev->bus`), so that drivers can bind to it.
    pub on_bus: bool,
    /// Whether it belongs to a class (`dev->class`), one for each kind.
    pub in_class: bool,
    /// Whether it hangs below a device that is always there, such as `platform_bus`,
    /// unless it is given another parent.
    pub has_parent: bool,
    /// What its bus does otherwise than the platform bus.
    pub drivers: Drivers,
    /// What user space holds by an open file of it, if there is one to open.
    pub handles: Handles,
    /// Whether who unregisters it waits until it is released (`i2c_del_adapter()` in
    /// drivers/i2c/i2c-core-base.c, Linux 6.12).
    pub waits: bool,
}

/// How a bus deals with drivers. What none of these says is what the platform bus does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drivers {
    /// It opens a group of resources before probe, and releases it when probe has failed
    /// and after remove (`i2c_device_probe()`, `i2c_device_remove()`).
    pub grouped: bool,
    /// It holds a reference from before probe to after remove (`pci_device_probe()`,
    /// `pci_device_remove()`).
    pub held: bool,
    /// It has the device look for a driver when it is added, not meanwhile, and lets go of
    /// it before it is deleted (`pci_bus_add_device()`, `pci_stop_dev()`).
    pub late: bool,
    /// It has no match function: each driver matches each of its devices (lib/kunit/device.c).
    pub any: bool,
    /// It has one driver, its own, which is there for all its devices; and its devices take no
    /// part in power management, so that they cannot supply others (drivers/base/faux.c, Linux
    /// 7.2).
    pub own: bool,
}

/// What an open file of a device holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Handles {
    /// There is no file to open.
    #[default]
    None,
    /// The character device, which holds the device (`cdev_device_add()`).
    Cdev,
    /// And the device itself as well: what its framework's `open` takes.
    CdevAndDevice,
    /// The framework's object, which the device belongs to: it holds the device's first
    /// reference, its parent, and managed resources of its own (`struct drm_device`).
    Object,
    /// Nothing: its driver's module, which no scenario unloads. One lock of all such devices is
    /// held while one of them comes, goes or is opened (`misc_mtx`, drivers/char/misc.c).
    Misc,
}

impl<'a> Kind<'a> {
    /// A device without bus, class and parent, as `root_device_register()` makes it.
    pub const fn new(name: &'a str) -> Self {
        Kind {
            name,
            on_bus: false,
            in_class: false,
            has_parent: false,
            drivers: Drivers {
                grouped: false,
                held: false,
                late: false,
                any: false,
                own: false,
            },
            handles: Handles::None,
            waits: false,
        }
    }

    /// The same on a bus.
    pub const fn on_bus(self) -> Self {
        Kind {
            on_bus: true,
            ..self
        }
    }

    /// The same in a class.
    pub const fn in_class(self) -> Self {
        Kind {
            in_class: true,
            ..self
        }
    }

    /// The same on a bus that opens a group of resources around a driver.
    pub const fn grouped(mut self) -> Self {
        self.drivers.grouped = true;
        self
    }

    /// The same on a bus that holds a reference as long as a driver is bound.
    pub const fn held(mut self) -> Self {
        self.drivers.held = true;
        self
    }

    /// The same on a bus that looks for a driver once the device is added.
    pub const fn late(mut self) -> Self {
        self.drivers.late = true;
        self
    }

    /// The same on a bus where each driver matches each device.
    pub const fn any(mut self) -> Self {
        self.drivers.any = true;
        self
    }

    /// The same on a bus with one driver, its own.
    pub const fn own(mut self) -> Self {
        self.drivers.own = true;
        self
    }

    /// The same with a character device, which holds it.
    pub const fn cdev(self) -> Self {
        Kind {
            handles: Handles::Cdev,
            ..self
        }
    }

    /// The same with a character device, and each open file holds it too.
    pub const fn held_cdev(self) -> Self {
        Kind {
            handles: Handles::CdevAndDevice,
            ..self
        }
    }

    /// The same with a framework's object that it belongs to, which open files hold.
    pub const fn object(self) -> Self {
        Kind {
            handles: Handles::Object,
            ..self
        }
    }

    /// The same with a file that holds nothing of it.
    pub const fn misc(self) -> Self {
        Kind {
            handles: Handles::Misc,
            ..self
        }
    }

    /// The same of a framework that waits, as it unregisters one, until it is released.
    pub const fn waits(self) -> Self {
        Kind {
            waits: true,
            ..self
        }
    }

    /// The same below a device that outlives every scenario.
    pub const fn with_parent(self) -> Self {
        Kind {
            has_parent: true,
            ..self
        }
    }
}
