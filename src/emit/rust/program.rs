//! The program of a scenario as a Rust literal.

use super::constant;
use super::layout::Expr;
use crate::expand;
use crate::ir::{Scenario, Unit};
use crate::sim::{Callback, Claim, Culprit, Driver, Errno, Fault, Op, Probe, Program, Sort};

/// A constant for each thing that has a name.
pub(super) fn constants(scenario: &Scenario) -> Vec<String> {
    let id = |sort: &'static str| {
        move |(index, name): (usize, &String)| {
            format!("const {}: {sort} = {sort}({index});", constant(name))
        }
    };
    let devices = scenario.devices.iter().map(|device| &device.name);
    let drivers = scenario.drivers.iter().map(|driver| &driver.name);
    let actions = scenario.actions.iter().map(|action| &action.name);
    let handles = scenario.handles.iter().map(|handle| &handle.name);
    let groups = scenario.groups.iter().map(|group| &group.name);
    devices
        .enumerate()
        .map(id("DeviceId"))
        .chain(drivers.enumerate().map(id("DriverId")))
        .chain(actions.enumerate().map(id("ActionId")))
        .chain(handles.enumerate().map(id("HandleId")))
        .chain(groups.enumerate().map(id("GroupId")))
        .collect()
}

/// The fields of the program, a line each or more.
pub(super) fn literal(unit: &Unit, scenario: &Scenario, program: &Program<'_>) -> Vec<String> {
    let device = |id| constant(program.device(id).name);
    let devices = scenario.devices.iter().map(|declared| {
        let kind = match declared.kind {
            Some(id) => format!("&super::{}", constant(&unit.kind(id).name)),
            None => "case.kind".to_owned(),
        };
        let below = declared.parent.map(|id| format!(".below({})", device(id)));
        Expr::Text(format!(
            "Device::new({:?}, {kind}){}",
            declared.name,
            below.unwrap_or_default()
        ))
    });
    let declared = program.drivers[..scenario.drivers.len()]
        .iter()
        .map(|drv| driver(program, drv));
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
        let body = Expr::slice(body(program, action.body));
        let spelled = |body| Expr::Struct {
            name: "Action".to_owned(),
            fields: vec![
                ("name".to_owned(), Expr::Text(format!("{:?}", action.name))),
                ("on".to_owned(), Expr::Text(device(action.on))),
                ("body".to_owned(), body),
                (
                    "sort".to_owned(),
                    Expr::Text(format!("Sort::{:?}", action.sort)),
                ),
            ],
            rest: None,
        };
        let new = match action.sort {
            Sort::OfObject => return spelled(body),
            Sort::Resource => "Action::resource",
            _ => "Action::new",
        };
        Expr::call(new, vec![name, on], body).unwrap_or_else(spelled)
    });
    let handles = program.handles.iter().map(|handle| {
        let on = device(handle.device);
        Expr::Text(format!("Handle::new({:?}, {on})", handle.name))
    });
    let mut fields = vec![
        (
            "devices",
            Expr::call_with_slice("&case.devices(", devices.collect(), ")"),
        ),
        (
            "drivers",
            Expr::call_with_slice("&case.drivers(", declared.chain(bound).collect(), ")"),
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
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let literal = Expr::Struct {
        name: "let program = Program".to_owned(),
        fields: fields.collect(),
        rest,
    };
    // Within a function within a module.
    let mut lines = literal.lines(8, 8);
    lines[0].insert_str(0, "        ");
    if let Some(last) = lines.last_mut() {
        last.push(';');
    }
    lines
}

fn driver(program: &Program<'_>, driver: &Driver<'_>) -> Expr {
    let device = constant(program.device(driver.device).name);
    let new = format!("Driver::new({:?}, {device})", driver.name);
    let mut fields = Vec::new();
    if !driver.probes.is_empty() {
        let probes = driver.probes.iter().map(|on| probe(program, on));
        fields.push(("probes".to_owned(), Expr::slice(probes.collect())));
    }
    if !driver.remove.is_empty() {
        let remove = body(program, driver.remove);
        fields.push(("remove".to_owned(), Expr::slice(remove)));
    }
    if fields.is_empty() {
        return Expr::Text(new);
    }
    Expr::Struct {
        name: "Driver".to_owned(),
        fields,
        rest: Some(new),
    }
}

fn probe(program: &Program<'_>, probe: &Probe<'_>) -> Expr {
    let text = |value: String| Expr::Text(value);
    let attempt = probe
        .attempt
        .map_or("None".to_owned(), |number| format!("Some({number})"));
    let error = probe.error.map_or("None".to_owned(), |errno| {
        format!("Some({})", errno_path(errno))
    });
    Expr::Struct {
        name: "Probe".to_owned(),
        fields: vec![
            ("attempt".to_owned(), text(attempt)),
            ("body".to_owned(), Expr::slice(body(program, probe.body))),
            ("error".to_owned(), text(error)),
        ],
        rest: None,
    }
}

fn body(program: &Program<'_>, ops: &[Op]) -> Vec<Expr> {
    let text = |&op: &Op| Expr::Text(op_path(program, op));
    ops.iter().map(text).collect()
}

pub(super) fn errno_path(errno: Errno) -> String {
    format!("Errno::{}", errno.name())
}

/// An operation as a value.
pub(super) fn op_path(program: &Program<'_>, op: Op) -> String {
    let device = |id| constant(program.device(id).name);
    let driver = |id| constant(program.driver(id).name);
    let action = |id| constant(program.action(id).name);
    let handle = |id| constant(program.handle(id).name);
    let group = |id| constant(program.group(id).name);
    let said = match op {
        Op::Init(id) => format!("Init({})", device(id)),
        Op::Add(id) => format!("Add({})", device(id)),
        Op::Del(id) => format!("Del({})", device(id)),
        Op::Register(id) => format!("Register({})", device(id)),
        Op::Unregister(id) => format!("Unregister({})", device(id)),
        Op::Get(id) => format!("Get({})", device(id)),
        Op::Put(id) => format!("Put({})", device(id)),
        Op::Attach(id) => format!("Attach({})", device(id)),
        Op::Bind(id, drv) => format!("Bind({}, {})", device(id), driver(drv)),
        Op::Unbind(id) => format!("Unbind({})", device(id)),
        Op::AddAction(id) => format!("AddAction({})", action(id)),
        Op::RemoveAction(id) => format!("RemoveAction({})", action(id)),
        Op::ReleaseAction(id) => format!("ReleaseAction({})", action(id)),
        Op::AddResource(id) => format!("AddResource({})", action(id)),
        Op::GetResource(id) => format!("GetResource({})", action(id)),
        Op::FindResource(id) => format!("FindResource({})", action(id)),
        Op::DestroyResource(id) => format!("DestroyResource({})", action(id)),
        Op::Free(id) => format!("Free({})", action(id)),
        Op::Realloc(id) => format!("Realloc({})", action(id)),
        Op::UseMemory(id) => format!("UseMemory({})", action(id)),
        Op::UseHandle(id) => format!("UseHandle({})", handle(id)),
        Op::OpenGroup(id) => format!("OpenGroup({})", group(id)),
        Op::CloseGroup(id) => format!("CloseGroup({})", group(id)),
        Op::ReleaseGroup(id) => format!("ReleaseGroup({})", group(id)),
        Op::RemoveGroup(id) => format!("RemoveGroup({})", group(id)),
        Op::Link(consumer, supplier) => format!("Link({}, {})", device(consumer), device(supplier)),
        Op::LinkWhileBound(consumer, supplier) => {
            format!("LinkWhileBound({}, {})", device(consumer), device(supplier))
        }
        Op::Open(id) => format!("Open({})", handle(id)),
        Op::Close(id) => format!("Close({})", handle(id)),
        Op::Settle => "Settle".to_owned(),
        Op::RegisterDriver(id) => format!("RegisterDriver({})", driver(id)),
        Op::UnregisterDriver(id) => format!("UnregisterDriver({})", driver(id)),
    };
    format!("Op::{said}")
}

/// An operation as a call of the session's method.
pub(super) fn method(program: &Program<'_>, op: Op) -> String {
    let path = op_path(program, op);
    let (variant, arguments) = path["Op::".len()..]
        .split_once('(')
        .unwrap_or(("Settle", ")"));
    let mut name = String::new();
    for c in variant.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    format!("{name}({arguments}")
}

/// A claim as a value.
pub(super) fn claim_path(program: &Program<'_>, claim: Claim) -> String {
    let device = |id| constant(program.device(id).name);
    let said = match claim {
        Claim::Ran(id) => format!("ran({})", callback(program, id)),
        Claim::RanTimes(id, times) => format!("ran_times({}, {times})", callback(program, id)),
        Claim::NotRun(id) => format!("not_run({})", callback(program, id)),
        Claim::Before(first, second) => format!(
            "before({}, {})",
            callback(program, first),
            callback(program, second)
        ),
        Claim::RanAsAdded(id) => format!("RanAsAdded({})", constant(program.action(id).name)),
        Claim::GivenUp(id) => format!("GivenUp({})", constant(program.action(id).name)),
        Claim::Refs(id, more) => format!("Refs({}, {more})", device(id)),
        Claim::Freed(id) => format!("Freed({})", device(id)),
        Claim::Alive(id) => format!("Alive({})", device(id)),
        Claim::Bound(id) => format!("Bound({})", device(id)),
        Claim::Unbound(id) => format!("Unbound({})", device(id)),
        Claim::Warned => "Warned".to_owned(),
        Claim::NotWarned => "NotWarned".to_owned(),
    };
    format!("Claim::{said}")
}

fn callback(program: &Program<'_>, callback: Callback) -> String {
    let device = |id| constant(program.device(id).name);
    let driver = |id| constant(program.driver(id).name);
    match callback {
        Callback::Action(id) => constant(program.action(id).name),
        Callback::Probe(id) => format!("Callback::Probe({})", driver(id)),
        Callback::Remove(id) => format!("Callback::Remove({})", driver(id)),
        Callback::ProbeOf(id) => format!("Callback::ProbeOf({})", device(id)),
        Callback::RemoveOf(id) => format!("Callback::RemoveOf({})", device(id)),
    }
}

/// A fault as a value.
pub(super) fn fault_path(program: &Program<'_>, fault: Fault) -> String {
    let name = match fault.culprit() {
        Culprit::Device(id) => program.device(id).name,
        Culprit::Driver(id) => program.driver(id).name,
        Culprit::Handle(id) => program.handle(id).name,
        Culprit::Memory(id) => program.action(id).name,
    };
    // `UseAfterFree(DeviceId(0))`, of which the first word is the variant.
    let debug = format!("{fault:?}");
    let variant = debug.split('(').next().unwrap_or_default();
    format!("Fault::{variant}({})", constant(name))
}
