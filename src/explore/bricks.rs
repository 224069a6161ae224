//! What programs are built from: the devices, drivers and actions that a scenario declares, on
//! one kind, and every operation on them.

use crate::check;
use crate::diagnostic::Sink;
use crate::expand;
use crate::ir::{DEV, KindUse, Scenario, StepKind, Suite, Unit};
use crate::sim::{ActionId, DeviceId, DriverId, Errno, GroupId, Handles, Op, Program, Sort};

/// Bricks on one kind.
#[derive(Clone, Debug)]
pub struct Bricks {
    /// What they are called: the scenario that declares them.
    pub name: String,
    /// The kind of `dev`.
    pub used: KindUse,
    /// The devices, drivers, actions and the like; its time line says which of them a program
    /// may use by itself.
    pub scenario: Scenario,
    /// Every operation that a program may consist of.
    pub alphabet: Vec<Op>,
    /// Of each action the one before it that is the same but for its name: to use them in
    /// another order would be the same program.
    pub twins: Vec<Option<ActionId>>,
}

impl Bricks {
    /// The bricks of a scenario on a kind, if the kind can do and be all that.
    pub fn of(unit: &Unit, suite: &Suite, scenario: &Scenario, used: KindUse) -> Option<Bricks> {
        let suite = Suite {
            kinds: vec![used],
            ..suite.clone()
        };
        let scenario = Scenario {
            kinds: vec![used],
            ..scenario.clone()
        };
        let mut sink = Sink::default();
        check::abilities(unit, &suite, &scenario, &mut sink);
        if sink.has_errors() {
            return None;
        }
        let alphabet = alphabet(unit, &scenario, used);
        let twins = twins(&scenario, &alphabet);
        Some(Bricks {
            name: scenario.name.clone(),
            used,
            scenario,
            alphabet,
            twins,
        })
    }

    /// What a search of these bricks is called.
    pub fn search_name(&self, unit: &Unit) -> String {
        format!("{} on {}", self.name, self.used.label(unit))
    }

    /// The same on another kind, if all operations of a program are possible there.
    pub fn on(&self, unit: &Unit, used: KindUse, ops: &[Op]) -> Option<Bricks> {
        let alphabet = alphabet(unit, &self.scenario, used);
        let possible = ops.iter().all(|op| alphabet.contains(op));
        possible.then(|| Bricks {
            used,
            alphabet,
            ..self.clone()
        })
    }

    /// The same without knowing of twins: what is the same but for names is tried as well.
    pub fn unreduced(self) -> Bricks {
        let twins = vec![None; self.twins.len()];
        Bricks { twins, ..self }
    }

    /// Whether another action may be used only behind this one: a bit.
    pub(super) fn has_twin(&self, id: ActionId) -> u32 {
        self.twins.contains(&Some(id)).into()
    }

    /// Calls `f` with the program.
    pub fn with_program<R>(&self, unit: &Unit, f: impl FnOnce(&Program<'_>) -> R) -> R {
        expand::with_program(unit, &self.scenario, self.used, f)
    }
}

/// Whether the kinds have the files that an operation is about, or the body of an action that it
/// adds.
fn has_files(unit: &Unit, scenario: &Scenario, used: KindUse, op: Op) -> bool {
    match op {
        Op::Open(id) | Op::UseHandle(id) | Op::Close(id) => {
            let dev = scenario.handles[usize::from(id.0)].device;
            let kind = scenario.devices[usize::from(dev.0)].kind;
            unit.kind(kind.unwrap_or(used.kind)).handles != Handles::None
        }
        Op::AddAction(id) => {
            let mut body = scenario.actions[usize::from(id.0)].body.iter();
            body.all(|&op| has_files(unit, scenario, used, op))
        }
        _ => true,
    }
}

fn alphabet(unit: &Unit, scenario: &Scenario, used: KindUse) -> Vec<Op> {
    let mut ops = Vec::new();
    for (index, device) in scenario.devices.iter().enumerate() {
        let id = DeviceId(index as u8);
        let kind = unit.kind(device.kind.unwrap_or(used.kind));
        ops.extend([Op::Register, Op::Unregister, Op::Get, Op::Put].map(|op| op(id)));
        if kind.halves && id == DEV {
            ops.extend([Op::Init, Op::Add, Op::Del].map(|op| op(id)));
        }
        if kind.on_bus {
            ops.extend([Op::Attach(id), Op::Unbind(id)]);
        }
    }
    for (index, driver) in scenario.drivers.iter().enumerate() {
        let id = DriverId(index as u8);
        ops.extend([Op::RegisterDriver(id), Op::UnregisterDriver(id)]);
        ops.extend(driver.devices.iter().map(|dev| Op::Bind(dev, id)));
    }
    let steps = scenario.steps.iter().filter_map(|step| match step.kind {
        StepKind::Op(op, _) => Some(op),
        _ => None,
    });
    for op in steps {
        match op {
            Op::AddAction(id) => {
                ops.push(op);
                ops.extend(on_managed(scenario.actions[usize::from(id.0)].sort, id));
            }
            Op::Open(id) => ops.extend([Op::Open(id), Op::Close(id)]),
            Op::Link(..) | Op::Unlink(..) => ops.push(op),
            _ => {}
        }
    }
    for index in 0..scenario.groups.len() {
        let id = GroupId(index as u8);
        let all = [
            Op::OpenGroup,
            Op::CloseGroup,
            Op::ReleaseGroup,
            Op::RemoveGroup,
        ];
        ops.extend(all.map(|op| op(id)));
    }
    let defers = |errno| errno == Some(Errno::EPROBE_DEFER);
    let mut probes = scenario.drivers.iter().flat_map(|driver| &driver.probes);
    if probes.any(|probe| defers(probe.error)) || scenario.makes_links() {
        ops.push(Op::Settle);
    }
    ops.retain(|&op| has_files(unit, scenario, used, op));
    // Halves last: of programs that are as long, one without them is for more kinds.
    let halves = |op: &Op| matches!(op, Op::Init(_) | Op::Add(_) | Op::Del(_));
    ops.sort_by_key(|op| (halves(op), format!("{op:?}")));
    ops.dedup();
    ops
}

/// What is done to what an action or its like has put on a list.
fn on_managed(sort: Sort, id: ActionId) -> Vec<Op> {
    let ops: &[fn(ActionId) -> Op] = match sort {
        Sort::Action | Sort::OfObject => &[Op::RemoveAction, Op::ReleaseAction],
        Sort::Resource => &[
            Op::RemoveAction,
            Op::ReleaseAction,
            Op::AddResource,
            Op::GetResource,
            Op::FindResource,
            Op::DestroyResource,
            Op::Free,
            Op::UseMemory,
        ],
        Sort::Memory | Sort::Unmanaged => &[Op::Free, Op::Realloc, Op::UseMemory],
    };
    ops.iter().map(|op| op(id)).collect()
}

fn twins(scenario: &Scenario, alphabet: &[Op]) -> Vec<Option<ActionId>> {
    // What a callback adds has a part of its own.
    let is_free = |index: usize| {
        let add = Op::AddAction(ActionId(index as u8));
        alphabet.contains(&add) && !scenario.bodies().any(|op| op == add)
    };
    let like = |a: usize, b: usize| {
        let (a, b) = (&scenario.actions[a], &scenario.actions[b]);
        (a.on, a.sort, &a.body) == (b.on, b.sort, &b.body)
    };
    (0..scenario.actions.len())
        .map(|index| {
            let mut before = (0..index).rev().filter(|&before| is_free(before));
            let before = before.find(|&before| is_free(index) && like(before, index));
            before.map(|before| ActionId(before as u8))
        })
        .collect()
}
