//! The operations of a case, and how the language writes them.

use super::errno::Errno;
use super::program::{Action, ActionId, DeviceId, DriverId, GroupId, HandleId, Program, Sort};

/// One operation on the driver core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `device_initialize()`, or what a kind's framework makes of it.
    Init(DeviceId),
    /// `device_add()`.
    Add(DeviceId),
    /// `device_del()`: the reference of [`Op::Init`] is left.
    Del(DeviceId),
    /// `device_register()`: both halves.
    Register(DeviceId),
    /// `device_unregister()`: `device_del()` and `put_device()`.
    Unregister(DeviceId),
    /// `get_device()`.
    Get(DeviceId),
    /// `put_device()`.
    Put(DeviceId),
    /// `device_attach()`: 1 if a driver is bound to the device then, 0 if none is.
    Attach(DeviceId),
    /// `device_driver_attach()`, which is what sysfs's `bind` calls.
    Bind(DeviceId, DriverId),
    /// `device_release_driver()`.
    Unbind(DeviceId),
    /// `devm_add_action()`; of a resource `devres_alloc()` and `devres_add()`, of memory
    /// `devm_kmalloc()` or `kmalloc()`.
    AddAction(ActionId),
    /// `devm_remove_action()`: takes it off the list, without running it. Of a resource
    /// `devres_remove()`: it is its caller's then.
    RemoveAction(ActionId),
    /// `devm_release_action()`, `devres_release()`: takes it off the list and runs it.
    ReleaseAction(ActionId),
    /// `devres_add()` of a resource that was taken off its list.
    AddResource(ActionId),
    /// `devres_get()`: 1 if the resource is on the list, 0 if a new one is now.
    GetResource(ActionId),
    /// `devres_find()`: -ENOENT stands for the NULL that it returns.
    FindResource(ActionId),
    /// `devres_destroy()`: takes it off the list and frees it, without running it.
    DestroyResource(ActionId),
    /// `devm_kfree()`, `kfree()`; of a resource that was taken off its list `devres_free()`.
    Free(ActionId),
    /// `devm_krealloc()` or `krealloc()` to more than there was: it is somewhere else then,
    /// in its old place on the list.
    Realloc(ActionId),
    /// Memory is read.
    UseMemory(ActionId),
    /// `devres_open_group()`
    OpenGroup(GroupId),
    /// `devres_close_group()`
    CloseGroup(GroupId),
    /// `devres_release_group()`: how many resources it released.
    ReleaseGroup(GroupId),
    /// `devres_remove_group()`: what is in it stays.
    RemoveGroup(GroupId),
    /// `device_link_add()` of a consumer to a supplier. -EINVAL stands for the NULL that it
    /// returns.
    Link(DeviceId, DeviceId, LinkFlags),
    /// `device_link_remove()` of a consumer and a supplier.
    Unlink(DeviceId, DeviceId),
    /// Opens a file of the device, say.
    Open(HandleId),
    /// User space asks something of an open file.
    UseHandle(HandleId),
    /// Closes it.
    Close(HandleId),
    /// Waits until all work that the driver core has queued is done:
    /// `wait_for_device_probe()`, `device_link_wait_removal()`.
    Settle,
    /// `driver_register()`.
    RegisterDriver(DriverId),
    /// `driver_unregister()`.
    UnregisterDriver(DriverId),
}

/// With which flags a device link is made (`include/linux/device.h`, Linux 6.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkFlags {
    /// None: it is managed, and lasts as long as both ends are registered.
    #[default]
    Managed,
    /// DL_FLAG_AUTOREMOVE_SUPPLIER: it goes with the supplier's driver.
    WhileSupplierBound,
    /// DL_FLAG_AUTOREMOVE_CONSUMER: it goes with the consumer's driver.
    WhileConsumerBound,
    /// DL_FLAG_AUTOPROBE_CONSUMER: when the supplier is bound, its consumer is probed.
    Autoprobe,
    /// DL_FLAG_STATELESS: who made it removes it, and drivers are of no matter to it.
    Stateless,
}

impl Op {
    /// Whether the operation is one that the rest of a case stands on: when it returns an
    /// error that it need not return, what follows would only follow from that.
    pub fn ends_a_case(self, wanted: Option<Errno>) -> bool {
        wanted.is_none()
            && !matches!(
                self,
                Op::Attach(_) | Op::ReleaseGroup(_) | Op::GetResource(_)
            )
    }
}

impl Program<'_> {
    /// An operation in the words of the language.
    pub fn describe(&self, op: Op) -> String {
        let device = |id| self.device(id).name;
        let driver = |id| self.driver(id).name;
        match op {
            Op::Init(id) => format!("init {}", device(id)),
            Op::Add(id) => format!("add {}", device(id)),
            Op::Del(id) => format!("del {}", device(id)),
            Op::Register(id) => format!("register {}", device(id)),
            Op::Unregister(id) => format!("unregister {}", device(id)),
            Op::Get(id) => format!("get {}", device(id)),
            Op::Put(id) => format!("put {}", device(id)),
            Op::Attach(id) => format!("attach {}", device(id)),
            Op::Bind(id, drv) => format!("bind {} to {}", device(id), driver(drv)),
            Op::Unbind(id) => format!("unbind {}", device(id)),
            Op::AddAction(id) => {
                let Action { name, on, sort, .. } = *self.action(id);
                match sort {
                    Sort::Action => format!("action {name} on {}", device(on)),
                    Sort::OfObject => format!("action {name} on {}.object", device(on)),
                    Sort::Resource => format!("resource {name} on {}", device(on)),
                    Sort::Memory => format!("memory {name} on {}", device(on)),
                    Sort::Unmanaged => format!("memory {name}"),
                }
            }
            Op::RemoveAction(id) => format!("remove {}", self.action(id).name),
            Op::ReleaseAction(id) => format!("release {}", self.action(id).name),
            Op::AddResource(id) => format!("add {}", self.action(id).name),
            Op::GetResource(id) => format!("get {}", self.action(id).name),
            Op::FindResource(id) => format!("find {}", self.action(id).name),
            Op::DestroyResource(id) => format!("destroy {}", self.action(id).name),
            Op::Free(id) => format!("free {}", self.action(id).name),
            Op::Realloc(id) => format!("realloc {}", self.action(id).name),
            Op::UseMemory(id) => format!("use {}", self.action(id).name),
            Op::OpenGroup(id) => {
                let group = self.group(id);
                format!("group {} on {}", group.name, device(group.on))
            }
            Op::CloseGroup(id) => format!("close {}", self.group(id).name),
            Op::ReleaseGroup(id) => format!("release {}", self.group(id).name),
            Op::RemoveGroup(id) => format!("remove {}", self.group(id).name),
            Op::Link(consumer, supplier, flags) => {
                let (consumer, supplier) = (device(consumer), device(supplier));
                let flags = match flags {
                    LinkFlags::Managed => String::new(),
                    LinkFlags::WhileSupplierBound => format!(" while {supplier} bound"),
                    LinkFlags::WhileConsumerBound => format!(" while {consumer} bound"),
                    LinkFlags::Autoprobe => " autoprobe".to_owned(),
                    LinkFlags::Stateless => " stateless".to_owned(),
                };
                format!("link {consumer} to {supplier}{flags}")
            }
            Op::Unlink(consumer, supplier) => {
                format!("unlink {} from {}", device(consumer), device(supplier))
            }
            Op::Open(id) => {
                let handle = self.handle(id);
                format!("open {} as {}", device(handle.device), handle.name)
            }
            Op::UseHandle(id) => format!("use {}", self.handle(id).name),
            Op::Close(id) => format!("close {}", self.handle(id).name),
            Op::Settle => "settle".to_owned(),
            Op::RegisterDriver(id) => format!("register {}", driver(id)),
            Op::UnregisterDriver(id) => format!("unregister {}", driver(id)),
        }
    }
}
