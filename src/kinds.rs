//! What there is to say of a kind: how many references a device of it has at each step of
//! its life, and what its C is. `devres-gen kinds` prints it, docs/kinds.md is made of it.

use crate::emit::OLDEST_TARGET;
use crate::ir::{DEV, Kind, Parent, Unit};
use crate::sim::{
    self, Action, ActionId, Driver, DriverId, Event, Happening, Model, Op, Program, Recorder,
};
use crate::source::Sources;

/// The step that a suite's expectations about references start from.
pub const REGISTERED: &str = "after `register`";

const DRIVER: DriverId = DriverId(0);
const ACTION: ActionId = ActionId(0);

/// How many references a device has at a step of its life, nobody but the driver core, its
/// bus and its framework holding any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The step.
    pub step: &'static str,
    /// The count; `None` where there is no such step.
    pub refs: Option<u16>,
}

/// The counts of a kind, in the order of a device's life. What callbacks see is what a
/// device-managed action sees that runs there.
pub fn counts(kind: &Kind) -> Vec<Count> {
    use Op::{
        AddAction, Get, Init, Put, Register, RegisterDriver, Unbind, Unregister, UnregisterDriver,
    };
    let own = kind.drivers.own;
    let bound = kind.on_bus && (own || !kind.driverless);
    let driven = bound && !own;
    let register: &[Op] = if driven {
        &[RegisterDriver(DRIVER), Register(DEV)]
    } else {
        &[Register(DEV)]
    };
    let after = |ops: &[Op]| Some(last(kind, ops));
    let then = |more: &[Op]| [register, &[AddAction(ACTION)], more].concat();
    let in_action = |is: bool, more: &[Op]| {
        is.then(|| at(kind, &then(more), Event::Action(ACTION)))
            .flatten()
    };
    let unbound = [Register(DEV), AddAction(ACTION), Unregister(DEV)];
    let count = |step, refs| Count { step, refs };
    vec![
        count(
            "after `init`",
            kind.halves.then(|| last(kind, &[Init(DEV)])),
        ),
        count(
            "in probe, while it is registered",
            driven
                .then(|| at(kind, register, Event::Probe(DRIVER, DEV)))
                .flatten(),
        ),
        count(REGISTERED, after(&[Register(DEV)])),
        count("bound", bound.then(|| last(kind, register))),
        count(
            "in an action, by `unbind`",
            in_action(bound, &[Unbind(DEV)]),
        ),
        count(
            "in an action, by `unregister` of the driver",
            in_action(driven, &[UnregisterDriver(DRIVER)]),
        ),
        count(
            "in an action, by `unregister`, bound",
            in_action(bound, &[Unregister(DEV)]),
        ),
        count(
            "in an action, by `unregister`, unbound",
            (!own)
                .then(|| at(kind, &unbound, Event::Action(ACTION)))
                .flatten(),
        ),
        count(
            "after `unregister`, with one reference taken",
            after(&[Register(DEV), Get(DEV), Unregister(DEV)]),
        ),
        count(
            "in an action, by the last `put`",
            at(
                kind,
                &[
                    Register(DEV),
                    Get(DEV),
                    Unregister(DEV),
                    AddAction(ACTION),
                    Put(DEV),
                ],
                Event::Action(ACTION),
            ),
        ),
    ]
}

/// The count after the last of the operations.
fn last(kind: &Kind, ops: &[Op]) -> u16 {
    with(kind, ops, |recorder| recorder.state().device(DEV).refs())
}

/// The count at an event, if it happens.
fn at(kind: &Kind, ops: &[Op], event: Event) -> Option<u16> {
    with(kind, ops, |recorder| {
        let mut records = recorder.records().iter();
        let record = records.find(|record| record.happening == Happening::Event(event));
        record.map(|record| record.devices[usize::from(DEV.0)].refs)
    })
}

fn with<R>(kind: &Kind, ops: &[Op], f: impl FnOnce(&Recorder<'_>) -> R) -> R {
    let kind = kind.in_simulator();
    let program = Program {
        devices: &[sim::Device::new("dev", &kind)],
        drivers: &[Driver::new("driver", DEV)],
        actions: &[Action::new("action", DEV, &[])],
        ..Program::EMPTY
    };
    let mut recorder = Recorder::new(&program, Model::ALL);
    for &op in ops {
        // None of these programs goes wrong, on any kind.
        let _ = recorder.run(0, op);
    }
    f(&recorder)
}

/// What it hangs below, in words.
pub fn parent(kind: &Kind) -> &'static str {
    match kind.parent {
        Parent::Given => "none, unless it is given one",
        Parent::None => "none ever",
        Parent::Always if kind.takes_parent() => "always, another if it is given one",
        Parent::Always => "always the same",
    }
}

/// Whether a driver can be bound to it, in words.
pub fn bound(kind: &Kind) -> &'static str {
    match (kind.on_bus, kind.driverless, kind.drivers.own) {
        (_, _, true) => "always, to the driver of its bus",
        (true, false, _) => "yes",
        _ => "no",
    }
}

/// The versions that have C, in words.
pub fn versions(kind: &Kind) -> String {
    let since = kind.since.unwrap_or(OLDEST_TARGET).max(OLDEST_TARGET);
    match kind.c {
        Some(_) => format!("{since} and later"),
        None => "none".to_owned(),
    }
}

/// All kinds of a unit as a page: docs/kinds.md.
pub fn page(unit: &Unit) -> String {
    let mut text = "# The standard kinds\n\n".to_owned();
    text += "What `devres-gen kinds --format markdown` prints; not by hand. [language.md](language.md#kind) says how a\n";
    text += "kind is written. The counts are the simulator's; `verify` holds them against kernels wherever a scenario\n";
    text += "goes that way, on a kernel with all fixes. A dash is a step that there is not.\n\n";
    text += &table(unit);
    for kind in &unit.kinds {
        text += &section(&unit.sources, kind);
    }
    text
}

fn table(unit: &Unit) -> String {
    let rows: Vec<(&str, Vec<Count>)> = unit
        .kinds
        .iter()
        .map(|kind| (kind.name.as_str(), counts(kind)))
        .collect();
    let names: Vec<String> = rows.iter().map(|(name, _)| format!("`{name}`")).collect();
    let mut text = format!(
        "| references | {} |\n|---|{}\n",
        names.join(" | "),
        "---|".repeat(rows.len())
    );
    for index in 0..rows.first().map_or(0, |(_, counts)| counts.len()) {
        let step = rows[0].1[index].step;
        let cells = rows.iter().map(|(_, counts)| {
            counts[index]
                .refs
                .map_or("-".to_owned(), |refs| refs.to_string())
        });
        text += &format!("| {step} | {} |\n", cells.collect::<Vec<_>>().join(" | "));
    }
    text
}

fn section(sources: &Sources, kind: &Kind) -> String {
    let mut text = format!(
        "\n## `{}`\n\n{}\n\n| | |\n|---|---|\n",
        kind.name,
        kind.doc.join("\n")
    );
    let mut row = |what: &str, says: &str| text += &format!("| {what} | {says} |\n");
    row("bound", bound(kind));
    row("parent", parent(kind));
    let needs: Vec<String> = kind
        .needs
        .iter()
        .map(|need| format!("`CONFIG_{need}`"))
        .collect();
    let selects = kind
        .selects
        .iter()
        .map(|need| format!("`CONFIG_{need}`, selected"));
    let unset = kind.unset.iter().map(|need| format!("not `CONFIG_{need}`"));
    let needs: Vec<String> = needs.into_iter().chain(selects).chain(unset).collect();
    if !needs.is_empty() {
        row("Kconfig", &needs.join(", "));
    }
    row("C", &versions(kind));
    let source = sources.get(kind.span.source);
    text += "\n```devres\n";
    text += declaration(&source.text, kind.span.start as usize);
    text += "```\n";
    text
}

/// The lines of a declaration, from the word `kind` to the brace that ends it.
fn declaration(text: &str, name: usize) -> &str {
    let start = text[..name].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..]
        .find("\n}\n")
        .map_or(text.len(), |at| start + at + 3);
    &text[start..end]
}
