//! Named points of the simulator: places that programs get to or do not, each where the driver
//! core takes a way of its own. What a corpus of scenarios reaches of them says how much of the
//! simulator it is about.

macro_rules! points {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// A point that a program may reach.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point {
            $($(#[doc = $doc])* $name,)*
        }

        impl Point {
            /// Every one.
            pub const ALL: &'static [Point] = &[$(Point::$name,)*];

            /// Its place in a set of points.
            pub const fn bit(self) -> u64 {
                1 << self as u8
            }

            /// What happens there.
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Point::$name => concat!($($doc),*),)*
                }
            }
        }
    };
}

points! {
    /// `device_unbind_cleanup()` finds resources.
    PassOfUnbind,
    /// `device_del()` finds resources.
    PassOfDel,
    /// `device_release()` finds resources.
    PassOfRelease,
    /// A resource is added while others of its device are being released.
    AddedInAPass,
    /// `devm_remove_action()` finds nothing.
    RemovedMissing,
    /// `devm_release_action()` finds nothing.
    ReleasedMissing,
    /// `devres_release_group()` finds the end of its group.
    GroupClosed,
    /// `devres_release_group()` goes to the end of the list.
    GroupOpen,
    /// A group that only overlaps stays.
    GroupOverlaps,
    /// `devres_release_group()` finds an empty list.
    GroupGone,
    /// `devres_release_group()` finds others and no group.
    GroupMissing,
    /// `devres_close_group()` or `devres_remove_group()` finds no group.
    GroupNotClosed,
    /// `device_add()` below a parent without a directory.
    AddedNowhere,
    /// `device_release()` of a device that was never added.
    ReleasedBeforeAdd,
    /// Devices of a class share a directory.
    GlueDirShared,
    /// The directory of a child goes with that of its parent.
    DirectoryGone,
    /// `really_probe()` refuses a device with resources.
    ProbeRefused,
    /// `really_probe()` waits for a supplier.
    ProbeWaits,
    /// A probe of a device without a directory.
    ProbeWithoutDirectory,
    /// A probe returns an error, and the next driver is tried.
    NextDriver,
    /// A probe is put off.
    Deferred,
    /// A probe is put off, and some driver bound meanwhile.
    DeferredAtOnce,
    /// A deferred probe is tried again.
    TriedAgain,
    /// Queued work is done while the release of a device is waited for.
    ReleaseWaitedFor,
    /// A device that waits is bound or deleted.
    WaitsNoLonger,
    /// `device_attach()` of a bound device.
    AttachedBound,
    /// `device_driver_attach()` of a bound device.
    BoundTwice,
    /// `device_driver_attach()` of a device that was deleted.
    BoundDeleted,
    /// `device_release_driver()` of a device without one.
    UnboundAlready,
    /// `driver_detach()` lets go of a device.
    Detached,
    /// `driver_register()` of a registered driver.
    RegisteredTwice,
    /// `device_link_add()` refuses.
    LinkRefused,
    /// `device_link_add()` finds a link of the same two.
    LinkThere,
    /// A link goes with its supplier's driver.
    LinkGoes,
    /// A link goes with its consumer's driver.
    LinkGoesWithConsumer,
    /// A link is purged with one of its ends.
    LinkPurged,
    /// `device_link_remove()` removes a link, or one of several claims to it.
    LinkRemoved,
    /// `device_link_remove()` finds none.
    NoLinkToRemove,
    /// `device_link_remove()` leaves one that is managed.
    LinkNotRemoved,
    /// A supplier is bound, and its consumer to be probed.
    ConsumerToBeProbed,
    /// A consumer is unbound before its supplier.
    ConsumerUnbound,
    /// A supplier waits for a consumer that is tried again.
    ConsumerWaitedFor,
    /// A file is opened.
    Opened,
    /// There is nothing to open any more.
    OpenedTooLate,
    /// Another file is open already.
    OpenedTwice,
    /// The last file lets go of a device that was deleted.
    ClosedLast,
    /// A framework's object has resources of its own.
    PassOfObject,
}
