//! Mistakes that somebody could make in the driver core, one line each: what tests switch on to
//! see whether an exploration finds them. Without the feature `defects` there are none.

use super::fixes::Model;

macro_rules! defects {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// A mistake in one line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Defect {
            $($(#[doc = $doc])* $name,)*
        }

        impl Defect {
            /// Every one.
            pub const ALL: &'static [Defect] = &[$(Defect::$name,)*];
        }
    };
}

defects! {
    /// `release_nodes()` releases the oldest first.
    OldestFirst,
    /// `devres_release_all()` overlooks the first node of the list.
    FirstNodeStays,
    /// `devm_release_action()` leaves the action on the list.
    ReleasedStaysListed,
    /// `devm_remove_action()` runs the action.
    RemovedRuns,
    /// `devres_destroy()` runs the resource as well.
    DestroyedRuns,
    /// `devres_get()` does not look for one that is there.
    GetAddsAnother,
    /// `devm_kfree()` says that it has found nothing.
    FreedIsMissed,
    /// `devres_release_group()` releases to the end of the list.
    GroupHasNoEnd,
    /// `devres_remove_group()` leaves the end of the group.
    EndOfGroupStays,
    /// `device_add()` keeps the reference that it holds meanwhile.
    AddKeepsReference,
    /// `device_add()` does not take a reference of the parent.
    ParentNotHeld,
    /// `device_del()` keeps that of the parent.
    ParentKept,
    /// `device_del()` keeps the reference of the parent's list.
    ListOfParentKeeps,
    /// `device_del()` releases resources before the driver is told.
    ResourcesBeforeDriver,
    /// `device_release()` does not release what is left.
    RestNotReleased,
    /// `bus_remove_device()` keeps the reference of the bus's list.
    ListOfBusKeeps,
    /// `kobject_del()` keeps the reference of the parent.
    KobjectKeepsParent,
    /// A probe that fails leaves its resources.
    FailedProbeLeavesResources,
    /// `device_unbind_cleanup()` clears the driver before it releases resources.
    DriverClearedFirst,
    /// `really_probe()` does not mind resources.
    ProbesWithResources,
    /// A driver that fails keeps others from being tried.
    FirstDriverOnly,
    /// `driver_detach()` holds no reference meanwhile.
    DetachHoldsNothing,
    /// A driver that binds does not have deferred probes tried again.
    DeferredForGood,
    /// `device_del()` leaves the device among the deferred ones.
    DeferredAfterDel,
    /// A device link does not hold its supplier.
    SupplierNotHeld,
    /// A supplier is unbound before its consumers.
    ConsumersStay,
    /// The last close keeps the character device.
    CloseKeeps,
}

impl Model {
    /// The same kernel with a mistake in it.
    #[cfg(feature = "defects")]
    pub const fn with_defect(self, defect: Defect) -> Model {
        Model {
            defect: Some(defect),
            ..self
        }
    }

    /// Whether that mistake is in it.
    #[cfg(feature = "defects")]
    pub(super) fn is(self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Whether that mistake is in it.
    #[cfg(not(feature = "defects"))]
    pub(super) const fn is(self, _: Defect) -> bool {
        false
    }
}
