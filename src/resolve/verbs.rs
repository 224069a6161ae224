//! What a word and the names behind it come to: an operation, if the names are of the right sort.

use super::names::Entity;
use super::scenario::ScenarioResolver;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::sim::{DeviceId, LinkFlags, Op};
use crate::syntax::ast::{Name, Verb};

/// What can be taken off a list by its name.
const MANAGED: &str = "an action, a resource or a group";

impl ScenarioResolver<'_> {
    fn link(&mut self, flags: LinkFlags, consumer: &Name, supplier: &Name) -> Option<Op> {
        let (consumer, supplier) = (self.device(consumer), self.device(supplier));
        Some(Op::Link(consumer?, supplier?, flags))
    }

    pub(super) fn verb(&mut self, verb: Verb, names: &[Name]) -> Option<Op> {
        let mut names = names.iter();
        let mut next = || names.next();
        let of_device = |resolver: &mut Self, name: Option<&Name>, op: fn(DeviceId) -> Op| {
            resolver.device(name?).map(op)
        };
        match verb {
            Verb::Init => of_device(self, next(), Op::Init),
            Verb::Del => of_device(self, next(), Op::Del),
            Verb::Put => of_device(self, next(), Op::Put),
            Verb::Attach => of_device(self, next(), Op::Attach),
            Verb::Unbind => of_device(self, next(), Op::Unbind),
            Verb::Add => self.one_of(next()?, "a device or a resource", |entity| match entity {
                Entity::Device(id) => Some(Op::Add(id)),
                Entity::Resource(id) => Some(Op::AddResource(id)),
                _ => None,
            }),
            Verb::Get => self.one_of(next()?, "a device or a resource", |entity| match entity {
                Entity::Device(id) => Some(Op::Get(id)),
                Entity::Resource(id) => Some(Op::GetResource(id)),
                _ => None,
            }),
            Verb::Register => self.one_of(next()?, "a device or a driver", |entity| match entity {
                Entity::Device(id) => Some(Op::Register(id)),
                Entity::Driver(id) => Some(Op::RegisterDriver(id)),
                _ => None,
            }),
            Verb::Unregister => {
                self.one_of(next()?, "a device or a driver", |entity| match entity {
                    Entity::Device(id) => Some(Op::Unregister(id)),
                    Entity::Driver(id) => Some(Op::UnregisterDriver(id)),
                    _ => None,
                })
            }
            Verb::Bind => {
                let (device, driver) = (next()?, next()?);
                let of = |name: &Name| self.names.get(&name.value).map(|known| known.0);
                if let (Some(Entity::Driver(_)), Some(Entity::Device(_))) = (of(device), of(driver))
                {
                    let (drv, dev) = (&device.value, &driver.value);
                    self.sink.report(
                        Diagnostic::new(Code::WrongSort, format!("`{drv}` is a driver"))
                            .label(device.span, "the device stands first")
                            .help(format!("`bind {dev} to {drv}`")),
                    );
                    return None;
                }
                let id = self.device(device);
                let drv = self.driver(driver)?;
                let wanted = self.scenario.drivers[usize::from(drv.0)].devices;
                if !wanted.contains(id?) {
                    let name = |id: DeviceId| &self.scenario.devices[usize::from(id.0)].name;
                    let names = wanted.iter().map(|id| format!("`{}`", name(id)));
                    let names = names.collect::<Vec<_>>().join(", ");
                    let message = format!("driver `{}` is for {names}", driver.value);
                    let (drv, dev) = (&driver.value, &device.value);
                    self.sink.report(
                        Diagnostic::new(Code::WrongSort, message)
                            .label(device.span, "its bus does not match it with this one")
                            .help(format!("`driver {drv} for ..., {dev}`, or another driver")),
                    );
                    return None;
                }
                Some(Op::Bind(id?, drv))
            }
            Verb::Link => self.link(LinkFlags::Managed, next()?, next()?),
            Verb::LinkAutoprobe => self.link(LinkFlags::Autoprobe, next()?, next()?),
            Verb::LinkStateless => self.link(LinkFlags::Stateless, next()?, next()?),
            Verb::LinkWhileBound => {
                let (consumer, supplier, whose) = (next()?, next()?, next()?);
                let flags = match &whose.value {
                    name if *name == supplier.value => Some(LinkFlags::WhileSupplierBound),
                    name if *name == consumer.value => Some(LinkFlags::WhileConsumerBound),
                    _ => None,
                };
                let op = self.link(flags.unwrap_or_default(), consumer, supplier);
                if flags.is_none() {
                    let (consumer, supplier) = (&consumer.value, &supplier.value);
                    let message = format!("`{}` is no end of this link", whose.value);
                    let help = format!(
                        "a link goes with the driver of one of its ends: `while {supplier} bound` \
                         or `while {consumer} bound`"
                    );
                    self.sink.report(
                        Diagnostic::new(Code::WrongSort, message)
                            .label(whose.span, "neither its consumer nor its supplier")
                            .help(help),
                    );
                }
                op.filter(|_| flags.is_some())
            }
            Verb::Unlink => {
                let (consumer, supplier) = (self.device(next()?), self.device(next()?));
                Some(Op::Unlink(consumer?, supplier?))
            }
            Verb::Open => {
                let (device, handle) = (next()?, next()?);
                let Some(device) = self.device(device) else {
                    self.names
                        .entry(handle.value.clone())
                        .or_insert((Entity::Broken, handle.span));
                    return None;
                };
                self.handle_of(handle, device).map(Op::Open)
            }
            Verb::Close => self.one_of(next()?, "a handle or a group", |entity| match entity {
                Entity::Handle(id) => Some(Op::Close(id)),
                Entity::Group(id) => Some(Op::CloseGroup(id)),
                _ => None,
            }),
            Verb::Settle => Some(Op::Settle),
            Verb::Remove => self.one_of(next()?, MANAGED, |entity| match entity {
                Entity::Action(id) | Entity::Resource(id) => Some(Op::RemoveAction(id)),
                Entity::Group(id) => Some(Op::RemoveGroup(id)),
                _ => None,
            }),
            Verb::Release => self.one_of(next()?, MANAGED, |entity| match entity {
                Entity::Action(id) | Entity::Resource(id) => Some(Op::ReleaseAction(id)),
                Entity::Group(id) => Some(Op::ReleaseGroup(id)),
                _ => None,
            }),
            Verb::Use => {
                self.one_of(
                    next()?,
                    "memory, a resource or a handle",
                    |entity| match entity {
                        Entity::Memory(id) | Entity::Resource(id) => Some(Op::UseMemory(id)),
                        Entity::Handle(id) => Some(Op::UseHandle(id)),
                        _ => None,
                    },
                )
            }
            Verb::Find | Verb::Destroy => {
                self.one_of(next()?, "a resource", |entity| match (entity, verb) {
                    (Entity::Resource(id), Verb::Find) => Some(Op::FindResource(id)),
                    (Entity::Resource(id), _) => Some(Op::DestroyResource(id)),
                    _ => None,
                })
            }
            Verb::Realloc => self.one_of(next()?, "memory", |entity| match entity {
                Entity::Memory(id) => Some(Op::Realloc(id)),
                _ => None,
            }),
            Verb::Free => self.one_of(next()?, "memory or a resource", |entity| match entity {
                Entity::Memory(id) | Entity::Resource(id) => Some(Op::Free(id)),
                _ => None,
            }),
        }
    }
}
