//! The program of a scenario as a Rust literal.

use super::layout::Expr;
use super::{INDENT, constant};
use crate::emit::names::Joined;
use crate::expand;
use crate::ir::{Scenario, Unit};
use crate::sim::{
    ActionId, Callback, Claim, Culprit, DeviceId, Driver, DriverId, Errno, Fault, GroupId,
    HandleId, LinkFlags, Op, Probe, Program, Sort,
};

/// The constants for what has a name in a program.
pub(super) struct Constants {
    devices: Vec<String>,
    drivers: Vec<String>,
    actions: Vec<String>,
    handles: Vec<String>,
    groups: Vec<String>,
}

impl Constants {
    pub(super) fn of(program: &Program<'_>) -> Constants {
        Constants {
            devices: program
                .devices
                .iter()
                .map(|device| constant(device.name))
                .collect(),
            drivers: program
                .drivers
                .iter()
                .map(|driver| constant(driver.name))
                .collect(),
            actions: program
                .actions
                .iter()
                .map(|action| constant(action.name))
                .collect(),
            handles: program
                .handles
                .iter()
                .map(|handle| constant(handle.name))
                .collect(),
            groups: program
                .groups
                .iter()
                .map(|group| constant(group.name))
                .collect(),
        }
    }

    /// What a scenario declares of that, with the types.
    pub(super) fn declared<'c>(
        &'c self,
        scenario: &Scenario,
    ) -> impl Iterator<Item = (&'static str, usize, &'c str)> {
        let devices = &self.devices[..scenario.devices.len()];
        let drivers = &self.drivers[..scenario.drivers.len()];
        let all = [
            ("DeviceId", devices),
            ("DriverId", drivers),
            ("ActionId", &self.actions),
            ("HandleId", &self.handles),
            ("GroupId", &self.groups),
        ];
        all.into_iter().flat_map(|(sort, names)| {
            let names = names.iter().enumerate();
            names.map(move |(index, name)| (sort, index, name.as_str()))
        })
    }

    fn device(&self, id: DeviceId) -> &str {
        &self.devices[usize::from(id.0)]
    }

    fn driver(&self, id: DriverId) -> &str {
        &self.drivers[usize::from(id.0)]
    }

    fn action(&self, id: ActionId) -> &str {
        &self.actions[usize::from(id.0)]
    }

    fn handle(&self, id: HandleId) -> &str {
        &self.handles[usize::from(id.0)]
    }

    fn group(&self, id: GroupId) -> &str {
        &self.groups[usize::from(id.0)]
    }
}

/// The program as a statement: its fields are a line each or more.
pub(super) fn literal(
    unit: &Unit,
    scenario: &Scenario,
    program: &Program<'_>,
    constants: &Constants,
    text: &mut String,
) {
    let device = |id| constants.device(id);
    let devices = scenario.devices.iter().map(|declared| {
        let mut text = match declared.kind {
            Some(id) => {
                let kind = constant(&unit.kind(id).name);
                format!("Device::new({:?}, &super::{kind})", declared.name)
            }
            None => format!("Device::new({:?}, case.kind)", declared.name),
        };
        if let Some(id) = declared.parent {
            text.extend([".below(", device(id), ")"]);
        }
        Expr::Text(text)
    });
    let declared = program.drivers[..scenario.drivers.len()]
        .iter()
        .map(|drv| driver(constants, drv));
    let bound = expand::bound_devices(scenario).map(|(id, declared)| {
        let name = expand::bound_driver(&declared.name);
        Expr::Text(format!("Driver::new({name:?}, {}).set_up()", device(id)))
    });
    let actions = program.actions.iter().map(|action| {
        let on = device(action.on);
        let name = format!("{:?}", action.name);
        match action.sort {
            Sort::Memory => return Expr::Text(format!("Action::memory({name}, {on})")),
            Sort::Unmanaged => return Expr::Text(format!("Action::unmanaged({name})")),
            Sort::Action | Sort::OfObject | Sort::Resource => {}
        }
        let body = body(constants, action.body);
        let spelled = |body| Expr::Struct {
            name: "Action",
            fields: vec![
                ("name", Expr::Text(format!("{:?}", action.name))),
                ("on", Expr::Text(on.to_owned())),
                ("body", body),
                ("sort", Expr::Text(format!("Sort::{:?}", action.sort))),
            ],
            rest: None,
        };
        let new = match action.sort {
            Sort::OfObject => return spelled(body),
            Sort::Resource => "Action::resource",
            _ => "Action::new",
        };
        Expr::call(new, vec![name, on.to_owned()], body).unwrap_or_else(spelled)
    });
    let handles = program.handles.iter().map(|handle| {
        let on = device(handle.device);
        Expr::Text(format!("Handle::new({:?}, {on})", handle.name))
    });
    let of_case = |open, items| {
        let close = "])";
        Expr::Array { open, items, close }
    };
    let mut fields = vec![
        ("devices", of_case("&case.devices(&[", devices.collect())),
        (
            "drivers",
            of_case("&case.drivers(&[", declared.chain(bound).collect()),
        ),
    ];
    if !program.actions.is_empty() {
        fields.push(("actions", Expr::slice(actions.collect())));
    }
    if !program.handles.is_empty() {
        fields.push(("handles", Expr::slice(handles.collect())));
    }
    if !program.groups.is_empty() {
        let groups = program.groups.iter().map(|group| {
            let on = device(group.on);
            Expr::Text(format!("Group::new({:?}, {on})", group.name))
        });
        fields.push(("groups", Expr::slice(groups.collect())));
    }
    let rest = (fields.len() < 5).then(|| "Program::EMPTY".to_owned());
    let name = "let program = Program";
    let literal = Expr::Struct { name, fields, rest };
    text.push_str(INDENT);
    literal.write(text, INDENT.len(), INDENT.len());
    text.push_str(";\n");
}

fn driver(constants: &Constants, driver: &Driver<'_>) -> Expr {
    let first = constants.device(driver.devices.first());
    let mut new = format!("Driver::new({:?}, {first})", driver.name);
    for other in driver.devices.iter().skip(1) {
        new += &format!(".and({})", constants.device(other));
    }
    let mut fields = Vec::new();
    if !driver.probes.is_empty() {
        let probes = driver.probes.iter().map(|on| probe(constants, on));
        fields.push(("probes", Expr::slice(probes.collect())));
    }
    if !driver.remove.is_empty() {
        fields.push(("remove", body(constants, driver.remove)));
    }
    if fields.is_empty() {
        return Expr::Text(new);
    }
    Expr::Struct {
        name: "Driver",
        fields,
        rest: Some(new),
    }
}

fn probe(constants: &Constants, probe: &Probe<'_>) -> Expr {
    let attempt = probe
        .attempt
        .map_or("None".to_owned(), |number| format!("Some({number})"));
    let error = probe.error.map_or("None".to_owned(), |errno| {
        format!("Some({})", errno_path(errno))
    });
    Expr::Struct {
        name: "Probe",
        fields: vec![
            ("attempt", Expr::Text(attempt)),
            ("body", body(constants, probe.body)),
            ("error", Expr::Text(error)),
        ],
        rest: None,
    }
}

fn body(constants: &Constants, ops: &[Op]) -> Expr {
    let text = |&op: &Op| Expr::Text(op_path(constants, op).to_string());
    Expr::slice(ops.iter().map(text).collect())
}

pub(super) fn errno_path(errno: Errno) -> String {
    format!("Errno::{}", errno.name())
}

/// An operation as a value.
pub(super) fn op_path(constants: &Constants, op: Op) -> Joined<'_> {
    match words(constants, op) {
        ("Op::Settle", ..) => "Op::Settle".into(),
        (variant, _, arguments) => arguments.between(variant, end(op)),
    }
}

/// An operation as a call of the session's method.
pub(super) fn method(constants: &Constants, op: Op) -> Joined<'_> {
    let (_, method, arguments) = words(constants, op);
    arguments.between(method, end(op))
}

/// What stands behind the names that an operation is given.
fn end(op: Op) -> &'static str {
    let Op::Link(.., flags) = op else {
        return ")";
    };
    match flags {
        LinkFlags::Managed => ", LinkFlags::Managed)",
        LinkFlags::WhileSupplierBound => ", LinkFlags::WhileSupplierBound)",
        LinkFlags::WhileConsumerBound => ", LinkFlags::WhileConsumerBound)",
        LinkFlags::Autoprobe => ", LinkFlags::Autoprobe)",
        LinkFlags::Stateless => ", LinkFlags::Stateless)",
    }
}

/// The variant and the method of an operation, and their arguments.
fn words(constants: &Constants, op: Op) -> (&'static str, &'static str, Joined<'_>) {
    let device = |id| Joined::from(constants.device(id));
    let driver = |id| Joined::from(constants.driver(id));
    let action = |id| Joined::from(constants.action(id));
    let handle = |id| Joined::from(constants.handle(id));
    let group = |id| Joined::from(constants.group(id));
    let link = |one, other| Joined::new(constants.device(one), ", ", constants.device(other));
    match op {
        Op::Init(id) => ("Op::Init(", "init(", device(id)),
        Op::Add(id) => ("Op::Add(", "add(", device(id)),
        Op::Del(id) => ("Op::Del(", "del(", device(id)),
        Op::Register(id) => ("Op::Register(", "register(", device(id)),
        Op::Unregister(id) => ("Op::Unregister(", "unregister(", device(id)),
        Op::Get(id) => ("Op::Get(", "get(", device(id)),
        Op::Put(id) => ("Op::Put(", "put(", device(id)),
        Op::Attach(id) => ("Op::Attach(", "attach(", device(id)),
        Op::Bind(id, drv) => {
            let arguments = Joined::new(constants.device(id), ", ", constants.driver(drv));
            ("Op::Bind(", "bind(", arguments)
        }
        Op::Unbind(id) => ("Op::Unbind(", "unbind(", device(id)),
        Op::AddAction(id) => ("Op::AddAction(", "add_action(", action(id)),
        Op::RemoveAction(id) => ("Op::RemoveAction(", "remove_action(", action(id)),
        Op::ReleaseAction(id) => ("Op::ReleaseAction(", "release_action(", action(id)),
        Op::AddResource(id) => ("Op::AddResource(", "add_resource(", action(id)),
        Op::GetResource(id) => ("Op::GetResource(", "get_resource(", action(id)),
        Op::FindResource(id) => ("Op::FindResource(", "find_resource(", action(id)),
        Op::DestroyResource(id) => ("Op::DestroyResource(", "destroy_resource(", action(id)),
        Op::Free(id) => ("Op::Free(", "free(", action(id)),
        Op::Realloc(id) => ("Op::Realloc(", "realloc(", action(id)),
        Op::UseMemory(id) => ("Op::UseMemory(", "use_memory(", action(id)),
        Op::UseHandle(id) => ("Op::UseHandle(", "use_handle(", handle(id)),
        Op::OpenGroup(id) => ("Op::OpenGroup(", "open_group(", group(id)),
        Op::CloseGroup(id) => ("Op::CloseGroup(", "close_group(", group(id)),
        Op::ReleaseGroup(id) => ("Op::ReleaseGroup(", "release_group(", group(id)),
        Op::RemoveGroup(id) => ("Op::RemoveGroup(", "remove_group(", group(id)),
        Op::Link(one, other, _) => ("Op::Link(", "link(", link(one, other)),
        Op::Unlink(one, other) => ("Op::Unlink(", "unlink(", link(one, other)),
        Op::Open(id) => ("Op::Open(", "open(", handle(id)),
        Op::Close(id) => ("Op::Close(", "close(", handle(id)),
        Op::Settle => ("Op::Settle", "settle(", "".into()),
        Op::RegisterDriver(id) => ("Op::RegisterDriver(", "register_driver(", driver(id)),
        Op::UnregisterDriver(id) => ("Op::UnregisterDriver(", "unregister_driver(", driver(id)),
    }
}

/// A claim as a value.
pub(super) fn claim_path(constants: &Constants, claim: Claim) -> String {
    let device = |id| constants.device(id);
    let callback = |of| callback(constants, of);
    match claim {
        Claim::Ran(id) => format!("Claim::ran({})", callback(id)),
        Claim::RanTimes(id, times) => format!("Claim::ran_times({}, {times})", callback(id)),
        Claim::NotRun(id) => format!("Claim::not_run({})", callback(id)),
        Claim::Before(first, second) => {
            format!("Claim::before({}, {})", callback(first), callback(second))
        }
        Claim::RanAsAdded(id) => format!("Claim::RanAsAdded({})", constants.action(id)),
        Claim::GivenUp(id) => format!("Claim::GivenUp({})", constants.action(id)),
        Claim::Refs(id, more) => format!("Claim::Refs({}, {more})", device(id)),
        Claim::Gone(id) => format!("Claim::Gone({})", device(id)),
        Claim::Freed(id) => format!("Claim::Freed({})", device(id)),
        Claim::Alive(id) => format!("Claim::Alive({})", device(id)),
        Claim::Bound(id) => format!("Claim::Bound({})", device(id)),
        Claim::Unbound(id) => format!("Claim::Unbound({})", device(id)),
        Claim::Warned => "Claim::Warned".to_owned(),
        Claim::NotWarned => "Claim::NotWarned".to_owned(),
    }
}

fn callback(constants: &Constants, callback: Callback) -> Joined<'_> {
    let of = |callback, name| Joined::new(callback, name, ")");
    match callback {
        Callback::Action(id) => constants.action(id).into(),
        Callback::Probe(id) => of("Callback::Probe(", constants.driver(id)),
        Callback::Remove(id) => of("Callback::Remove(", constants.driver(id)),
        Callback::ProbeOf(id) => of("Callback::ProbeOf(", constants.device(id)),
        Callback::RemoveOf(id) => of("Callback::RemoveOf(", constants.device(id)),
    }
}

/// A fault as a value.
pub(super) fn fault_path(constants: &Constants, fault: Fault) -> String {
    let name = match fault.culprit() {
        Culprit::Device(id) => constants.device(id),
        Culprit::Driver(id) => constants.driver(id),
        Culprit::Handle(id) => constants.handle(id),
        Culprit::Memory(id) => constants.action(id),
    };
    // `UseAfterFree(DeviceId(0))`, of which the first word is the variant.
    let debug = format!("{fault:?}");
    let variant = debug.split('(').next().unwrap_or_default();
    format!("Fault::{variant}({name})")
}
