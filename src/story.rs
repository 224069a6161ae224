//! What happens in a case, for somebody who does not know it yet: each operation and what is called
//! within it, as it happens, and what could be expected then.
//!
//! What does not hold ends nothing, and an operation that returns an error changes no hands, whether
//! the scenario says so or not.

use crate::expand::{self, Case};
use crate::ir::StepKind;
use crate::sim::{
    ActionId, Callback, Claim, DeviceId, Devres, DriverId, Errno, Event, Fault, Holdings, Observer,
    Op, Program, Recorder, Sort, State, step,
};

/// What happens in a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// What the scenario does.
    pub own: Vec<Line>,
    /// What it could expect then, in the words of the language.
    pub expected: Vec<String>,
    /// What it does at its end, when it gives up what it owns.
    pub end: Vec<Line>,
    /// What it could expect then, where that is something else.
    pub finally: Vec<String>,
    /// Whether a fault ends it.
    pub goes_wrong: bool,
    /// The error that each of the scenario's operations returned, if it did.
    pub errors: Vec<Option<Errno>>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Within how many others.
    pub depth: usize,
    /// What it is.
    pub text: String,
    /// The kernel functions that lead there, outermost first.
    pub path: String,
    /// What becomes of devices meanwhile: counts of references differ from kind to kind.
    pub counts: String,
}

impl Story {
    /// What happens in a case.
    pub fn of(case: &Case<'_>) -> Story {
        expand::with_program(case.unit, case.scenario, case.kind_use, |program| {
            Telling::new(case, program).tell(case)
        })
    }

    /// Whether the same happens, whatever the counts of references; `by_path` on the same way, too.
    pub fn is_like(&self, other: &Story, by_path: bool) -> bool {
        let same = |one: &[Line], other: &[Line]| {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| one.is_like(other, by_path))
        };
        same(&self.own, &other.own) && same(&self.end, &other.end) && self.ends_as(other)
    }

    /// Whether the same can be expected.
    pub fn ends_as(&self, other: &Story) -> bool {
        self.expected == other.expected && self.finally == other.finally
    }
}

impl Line {
    /// Whether both are the same, whatever the counts of references; `by_path` on the same way, too.
    pub fn is_like(&self, other: &Line, by_path: bool) -> bool {
        (self.depth, &self.text) == (other.depth, &other.text)
            && (!by_path || self.path == other.path)
    }
}

/// A case under way. The recorder is asked what is so; what happens on the way is told by who looks on.
struct Telling<'t> {
    program: &'t Program<'t>,
    recorder: Recorder<'t>,
    state: State,
    teller: Teller<'t>,
    holdings: Holdings,
    errors: Vec<Option<Errno>>,
}

impl<'t> Telling<'t> {
    fn new(case: &Case<'_>, program: &'t Program<'t>) -> Self {
        Telling {
            program,
            recorder: Recorder::new(program, case.model),
            state: State::new(),
            teller: Teller::new(program),
            holdings: Holdings::new(),
            errors: Vec::new(),
        }
    }

    fn tell(mut self, case: &Case<'_>) -> Story {
        let mut told = Story::default();
        if let Err(fault) = self.does_its_own(case) {
            told.own = self.teller.lines;
            told.expected = announced(self.program, fault);
            told.goes_wrong = true;
            return told;
        }
        told.own = std::mem::take(&mut self.teller.lines);
        told.errors = std::mem::take(&mut self.errors);
        told.expected = self.expected(false);
        // A fault is expected behind an operation, and none of these stands in the scenario.
        match self.gives_up(case) {
            Ok(()) => told.finally = self.expected(true),
            Err(_) => told.goes_wrong = true,
        }
        told.end = self.teller.lines;
        told.finally.retain(|claim| !told.expected.contains(claim));
        told
    }

    fn does_its_own(&mut self, case: &Case<'_>) -> Result<(), Fault> {
        for op in self.program.set_up() {
            self.carry_out(case, op)?;
        }
        // That is said by the name of the kind's state.
        self.teller.lines.clear();
        for step in &case.scenario.steps {
            match &step.kind {
                StepKind::Op(op, _) => {
                    let ret = self.carry_out(case, *op)?;
                    self.errors.push((ret < 0).then_some(Errno(-ret)));
                }
                StepKind::Expect(expectation) => self.judge("expect", expectation.claim),
                StepKind::Fault(_) | StepKind::Finally(_) => {}
            }
        }
        match self.state.has_queued_work() {
            true => self.carry_out(case, Op::Settle).map(drop),
            false => Ok(()),
        }
    }

    fn gives_up(&mut self, case: &Case<'_>) -> Result<(), Fault> {
        for op in self.holdings.give_up(self.program) {
            let from = self.teller.lines.len();
            self.carry_out(case, op)?;
            let is_quiet = self.teller.lines.len() == from + 1;
            if is_quiet && (op == Op::Settle || self.program.is_set_up(op)) {
                self.teller.lines.truncate(from);
            }
        }
        for step in &case.scenario.steps {
            if let StepKind::Finally(expectation) = &step.kind {
                self.judge("finally expect", expectation.claim);
            }
        }
        Ok(())
    }

    /// Whether a claim is true here.
    fn judge(&mut self, word: &str, claim: Claim) {
        let so = match claim.holds(&self.recorder) {
            true => "yes".to_owned(),
            false => format!("no, {}", claim.found(&self.recorder)),
        };
        let claim = claim.describe(self.program);
        self.teller.note(0, format!("{word} {claim}: {so}"));
    }

    fn carry_out(&mut self, case: &Case<'_>, op: Op) -> Result<i32, Fault> {
        if op == Op::Settle
            && let Some(what) = self.recorder.order_of_work_matters()
        {
            let text = format!("{what}, in an order that nobody promises; this is one of them");
            self.teller.note(0, text);
        }
        let recorded = self.recorder.run(0, op);
        let ended = step(
            self.program,
            case.model,
            &mut self.state,
            op,
            &mut self.teller,
        );
        debug_assert_eq!(recorded, ended, "one simulator");
        match ended {
            Ok(ret) => {
                let failed = (ret < 0 && op.ends_a_case(None)).then_some(Errno(-ret));
                if let Err(dev) = self.holdings.apply(self.program, op, failed) {
                    let name = self.program.device(dev).name;
                    let text = format!("(there is no reference of {name} that it could take over)");
                    self.teller.note(1, text);
                }
                Ok(ret)
            }
            Err(fault) => {
                let text = format!("!! {}", fault.describe(self.program));
                self.teller.note(0, text);
                if let (Some((_, path @ [_, ..])), Some(line)) =
                    (self.recorder.freed(fault), self.teller.lines.last_mut())
                {
                    line.path = format!("freed by {}", path.join(" > "));
                }
                Err(fault)
            }
        }
    }

    /// What is so now, in the words of the language.
    fn expected(&self, at_end: bool) -> Vec<String> {
        let program = self.program;
        let times = |callback: Callback| match self.recorder.runs(callback) {
            0 => "not run".to_owned(),
            1 => "ran".to_owned(),
            times => format!("ran {times} times"),
        };
        let mut all = Vec::new();
        for (action, id) in program.actions.iter().zip((0..).map(ActionId)) {
            if !action.runs() {
                continue;
            }
            let came = |wanted: &[Devres]| {
                let devres = self.recorder.devres().iter();
                devres
                    .filter(|(what, of)| *of == id && wanted.contains(what))
                    .count()
            };
            let is_due = came(&[Devres::Add]) > came(&[Devres::Release, Devres::Remove]);
            match times(id.into()) {
                outcome if at_end && is_due && outcome == "not run" => {
                    all.push(format!("{} leaked", action.name));
                }
                outcome => all.push(format!("{} {outcome}", action.name)),
            }
        }
        for (driver, id) in program.drivers.iter().zip((0..).map(DriverId)) {
            if !driver.set_up {
                all.push(format!(
                    "{}.probe {}",
                    driver.name,
                    times(Callback::Probe(id))
                ));
                if self.recorder.runs(Callback::Probe(id)) > 0 {
                    all.push(format!(
                        "{}.remove {}",
                        driver.name,
                        times(Callback::Remove(id))
                    ));
                }
            }
        }
        for id in program
            .device_ids()
            .filter(|&id| !program.device(id).set_up)
        {
            let (name, device) = (program.device(id).name, self.state.device(id));
            let outcome = match device.is_alive() {
                true if at_end => "leaked",
                true if device.driver().is_some() => "bound",
                true => "alive",
                false if device.is_released() => "freed",
                false => continue,
            };
            all.push(format!("{name} {outcome}"));
        }
        if self.recorder.has_warned() {
            all.push("warning".to_owned());
        }
        all
    }
}

/// How a scenario expects a fault.
fn announced(program: &Program<'_>, fault: Fault) -> Vec<String> {
    let announced = fault.announced(program);
    let words = announced
        .iter()
        .map(|line| line.trim_start_matches("expect "));
    words.map(str::to_owned).collect()
}

/// Looks on, and writes down what happens.
struct Teller<'t> {
    program: &'t Program<'t>,
    lines: Vec<Line>,
    /// The kernel functions that are under way.
    path: Vec<&'static str>,
    /// The operations that are under way: the line of each, and the devices before it.
    open: Vec<(usize, Devices)>,
    last: Devices,
}

/// References and driver of each device.
type Devices = Vec<(u16, Option<DriverId>)>;

impl<'t> Teller<'t> {
    fn new(program: &'t Program<'t>) -> Self {
        Teller {
            program,
            lines: Vec::new(),
            path: Vec::new(),
            open: Vec::new(),
            last: vec![(0, None); program.devices.len()],
        }
    }

    fn note(&mut self, depth: usize, text: String) {
        self.lines.push(Line {
            depth,
            text,
            path: String::new(),
            counts: String::new(),
        });
    }

    /// Within what is under way, by the functions that are.
    fn within(&mut self, text: String) {
        self.lines.push(Line {
            depth: (2 * self.open.len()).saturating_sub(1),
            text,
            path: self.path.join(" > "),
            counts: String::new(),
        });
    }

    fn look(&mut self, state: &State) {
        let devices = self.program.device_ids().map(|id| {
            let device = state.device(id);
            (device.refs(), device.driver())
        });
        self.last = devices.collect();
    }

    /// What became of the devices since then.
    fn since(&self, before: &Devices) -> String {
        let mut all = Vec::new();
        for (id, (then, now)) in self.program.device_ids().zip(before.iter().zip(&self.last)) {
            let name = self.program.device(id).name;
            if then.0 != now.0 {
                all.push(format!("{name} refs {} -> {}", then.0, now.0));
            }
            match (then.1, now.1) {
                (None, Some(_)) => all.push(format!("{name} is bound")),
                (Some(_), None) => all.push(format!("{name} is unbound")),
                _ => {}
            }
        }
        all.join(", ")
    }

    fn close(&mut self, text: String, with_counts: bool) {
        let Some((line, before)) = self.open.pop() else {
            return;
        };
        let counts = match with_counts {
            true => self.since(&before),
            false => String::new(),
        };
        if let Some(line) = self.lines.get_mut(line) {
            (line.text, line.counts) = (text, counts);
        }
    }

    fn callback(&self, driver: DriverId, dev: DeviceId, what: &str) -> String {
        let driver = self.program.driver(driver);
        let name = match driver.set_up {
            true => self.program.device(dev).name,
            false => driver.name,
        };
        format!("{name}.{what} runs")
    }
}

impl Observer for Teller<'_> {
    fn event(&mut self, event: Event, state: &State) {
        let program = self.program;
        self.look(state);
        let text = match event {
            Event::Action(id) => format!("{} runs", program.action(id).name),
            Event::Probe(driver, dev) => self.callback(driver, dev, "probe"),
            Event::Remove(driver, dev) => self.callback(driver, dev, "remove"),
            Event::Released(dev) => format!("{} is released", program.device(dev).name),
            Event::Warning(warning) => format!("WARN() in {}()", warning.function()),
        };
        self.within(text);
    }

    fn enter(&mut self, function: &'static str) {
        self.path.push(function);
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn begins(&mut self) {
        self.note(2 * self.open.len(), String::new());
        self.open.push((self.lines.len() - 1, self.last.clone()));
    }

    fn returned(&mut self, op: Op, ret: i32, state: &State) {
        self.look(state);
        let mut text = self.program.describe(op);
        if ret != 0 {
            text += &format!(" = {}", Errno::from_return(ret));
        }
        self.close(text, true);
    }

    fn faulted(&mut self, op: Op) {
        self.close(self.program.describe(op), false);
    }

    fn freed(&mut self, memory: ActionId) {
        let action = self.program.action(memory);
        // An operation that does nothing else says so itself.
        let is_told = !self.path.is_empty();
        if is_told && matches!(action.sort, Sort::Memory | Sort::Unmanaged) {
            self.within(format!("{} is freed", action.name));
        }
    }
}
