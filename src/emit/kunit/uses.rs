//! Which helpers a C file needs: what nothing uses is not emitted.

use std::collections::BTreeSet;

use super::Uses;
use crate::emit::Options;
use crate::expand;
use crate::ir::{CKey, KindId, KindUse, Scenario, Step, StepKind, Suite, Unit};
use crate::sim::{ActionId, Callback, Claim, DeviceId, Handles, Op, Sort};
use crate::syntax::ast::Release;

pub(super) fn of(unit: &Unit, suite: &Suite, kinds: &BTreeSet<KindId>, options: &Options) -> Uses {
    let mut uses = Uses::default();
    for &id in kinds {
        let kind = unit.kind(id);
        uses.wrapped |= kind.release != Release::Owned;
        uses.any |= kind.drivers.any;
        uses.objects |= kind.handles == Handles::Object;
        uses.owned |= kind.release == Release::Owned;
        uses.waits |= kind.waits;
        let makers = [CKey::Create, CKey::Init].into_iter();
        let mut lines = makers.flat_map(|key| kind.c.iter().flat_map(move |c| c.lines(key)));
        uses.parent_of |= lines.any(|line| line.contains("$parent"));
        let mut all = CKey::ALL.into_iter();
        uses.test |= all.any(|key| {
            let mut lines = kind.c.iter().flat_map(|c| c.lines(key));
            lines.any(|line| line.contains("$test"))
        });
    }
    let mut drivers = suite
        .scenarios
        .iter()
        .flat_map(|scenario| &scenario.drivers);
    uses.any |= drivers.any(|driver| !driver.devices.is_one());
    uses.bound_kind = suite.kinds.iter().any(|used| used.bound);
    uses.register_driver = uses.bound_kind;
    uses.parent = suite.kinds.iter().any(|used| used.parent.is_some());
    uses.drivers = uses.bound_kind;
    uses.register = uses.parent;
    for scenario in &suite.scenarios {
        of_scenario(scenario, &mut uses);
    }
    uses.test |= uses.fallible && options.bulk.is_none();
    let has_finally = suite.scenarios.iter().any(Scenario::has_finally);
    uses.several |= uses.parent || options.trace || options.bulk.is_some();
    uses.anew |= options.bulk.is_some();
    // Its driver's table of devices has to name the device.
    let by_table = |used: &KindUse| {
        let kind = unit.kind(used.kind);
        used.bound && !kind.named && !kind.drivers.any
    };
    uses.callbacks |= uses.drivers && (uses.several || has_finally);
    uses.callbacks |= suite.kinds.iter().any(by_table);
    uses.several |= uses.callbacks || uses.objects;
    uses.any &= uses.callbacks;
    uses.tear_down = uses.parent || uses.callbacks && uses.bound_kind;
    let devices = || {
        suite
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.devices)
    };
    uses.below = uses.parent || devices().any(|device| device.parent.is_some());
    // Elsewhere it is a constant.
    uses.parent_of &= uses.below;
    uses
}

fn of_scenario(scenario: &Scenario, uses: &mut Uses) {
    uses.several |= scenario.devices.len() > 1 || !scenario.handles.is_empty();
    uses.handles |= !scenario.handles.is_empty();
    uses.groups |= !scenario.groups.is_empty();
    let has_drivers =
        !scenario.drivers.is_empty() || expand::bound_devices(scenario).next().is_some();
    uses.drivers |= has_drivers;
    uses.callbacks |= has_drivers;
    uses.register_driver |= expand::bound_devices(scenario).next().is_some();
    uses.counts |= !scenario.drivers.is_empty();
    for op in scenario.bodies() {
        uses.fallible |= super::operation::is_fallible(scenario, op);
        uses.bodies = true;
    }
    let mut ids = (0..scenario.devices.len()).map(|id| DeviceId(id as u8));
    uses.anew |= ids.any(|id| may_be_made_anew(scenario, id));
    for op in scenario.operations() {
        uses.halves |= matches!(op, Op::Init(_) | Op::Add(_) | Op::Del(_));
        uses.note(op);
        uses.note_memory(scenario, op);
    }
    for claim in scenario.expectations().flat_map(|expectation| {
        let deviations = expectation.deviations.iter().map(|d| d.claim);
        deviations.chain([expectation.claim])
    }) {
        uses.order |= matches!(claim, Claim::Before(..));
        uses.warnings |= matches!(claim, Claim::Warned | Claim::NotWarned);
        let of_driver = |callback| !matches!(callback, Callback::Action(_));
        if let Claim::RanAsAdded(id) = claim {
            let sort = scenario.actions[usize::from(id.0)].sort;
            uses.memory.counted |= sort == Sort::Resource;
        }
        if claim.callbacks().any(of_driver) {
            uses.counts = true;
            // Their callbacks are there where drivers are.
            uses.several = true;
        }
    }
}

impl Uses {
    /// Takes note of the helper that an operation on memory or a resource calls.
    pub(super) fn note_memory(&mut self, scenario: &Scenario, op: Op) {
        let sort = |id: ActionId| scenario.actions[usize::from(id.0)].sort;
        let uses = &mut self.memory;
        match op {
            Op::AddAction(id) => match sort(id) {
                Sort::Action | Sort::OfObject => {}
                Sort::Resource => uses.new = true,
                Sort::Memory => uses.devm_alloc = true,
                Sort::Unmanaged => uses.alloc = true,
            },
            Op::RemoveAction(id) if sort(id) == Sort::Resource => uses.remove = true,
            Op::GetResource(_) => uses.get = true,
            Op::FindResource(_) => uses.find = true,
            Op::AddResource(_) => uses.add = true,
            Op::Free(id) if sort(id) == Sort::Resource => uses.free = true,
            Op::Realloc(id) if sort(id) == Sort::Memory => uses.devm_realloc = true,
            Op::Realloc(_) => uses.realloc = true,
            Op::UseMemory(_) => uses.touched = true,
            Op::UseHandle(_) => self.asked = true,
            _ => {}
        }
    }
}

/// Whether a device may be made a second time: so it is said, or a callback makes it.
fn may_be_made_anew(scenario: &Scenario, id: DeviceId) -> bool {
    let making = scenario.operations().filter(|&op| makes(op, id));
    making.count() > 1 || scenario.bodies().any(|op| makes(op, id))
}

fn makes(op: Op, id: DeviceId) -> bool {
    op == Op::Register(id) || op == Op::Init(id)
}

/// Whether a device may never be there: a callback makes it, or what makes it fails.
pub(super) fn may_never_be(scenario: &Scenario, id: DeviceId) -> bool {
    let makes = |op| makes(op, id);
    let fails = |step: &Step| matches!(step.kind, StepKind::Op(op, Some(_)) if makes(op));
    scenario.bodies().any(makes) || scenario.steps.iter().any(fails)
}
