//! C: one KUnit file a suite, each program once, its kinds as parameters.
//!
//! What is decided here: which helper a suite needs, in which words a statement is
//! C, where lines break. The templates only put it in order.

mod bulk;
mod condition;
mod expect;
mod ids;
mod kind;
mod operation;
mod scenario;
mod uses;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use askama::Template;
use rayon::prelude::*;

pub(crate) use ids::have_room as has_room_for_devices;

use super::lines::Lines;
use super::names::{self, Joined};
use super::parts::{self, Needs, Part};
use super::wrap::words;
use super::{MARK, Options, OutputFile, harmless};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::expand;
use crate::identity;
use crate::ir::{CKey, KindId, Linux, Suite, Unit};
use crate::run;
use crate::sim::Op;

pub use bulk::Programs;
pub(crate) use kind::is_name;
pub(crate) use operation::is_fallible;
pub(crate) use scenario::touched;

/// Where the C goes, below the output folder; dropped in as `drivers/base/test/devres`.
pub const FOLDER: &str = "kunit/devres";

/// Emits the C of a unit. Suites on a kind without C are reported.
pub fn emit(unit: &Unit, options: &Options, sink: &mut Sink) -> Vec<OutputFile> {
    let target = options.target;
    let kinds = unit.on(target, vec![]);
    let kinds = [&kinds, &kinds.unobserved()];
    let mark = (!options.upstream).then_some(MARK);
    let parts: Vec<Part<'_>> = parts::parts(unit, target).collect();
    let mut files: Vec<OutputFile> = Vec::new();
    let mut paths = HashSet::new();
    let mut symbols: BTreeMap<&Needs, Symbol> = BTreeMap::new();
    let written = parts.par_iter().map(|part| {
        let mut sink = Sink::default();
        let left_out = parts::left_out(unit, part.whole, target);
        let name = names::c_file(&part.suite);
        let file = suite_file(kinds, &part.suite, &left_out, options, &mut sink);
        let file = file.map(|file| output(&format!("{name}.c"), &file));
        (part, name, file, sink)
    });
    for (part, name, file, found) in written.collect::<Vec<_>>() {
        sink.append(found);
        if let Some(file) = file {
            let (suite, needs) = (&*part.suite, &part.needs);
            if !paths.insert(file.path.clone()) {
                sink.report(
                    Diagnostic::new(
                        Code::Duplicate,
                        format!("two suites would be `{}` in C", names::suite(suite)),
                    )
                    .label(suite.span, "one of them")
                    .help("a suite on kinds that need a subsystem gets its name behind its own: call one otherwise"),
                );
            }
            files.push(file);
            let name_of_symbol = needs.symbol();
            let taken =
                |(of, known): (&&Needs, &Symbol)| *of != needs && known.name == name_of_symbol;
            if symbols.iter().any(taken) {
                sink.report(
                    Diagnostic::new(
                        Code::Duplicate,
                        format!("two symbols of Kconfig would be `{name_of_symbol}`"),
                    )
                    .label(suite.span, "one of them, for what its kinds need")
                    .help("say of a subsystem either `needs` or `selects`, with the same `not`, in all kinds"),
                );
            }
            let symbol = symbols.entry(needs).or_insert_with(|| Symbol::new(needs));
            symbol.objects.push(format!("{name}.o"));
        }
    }
    let symbols: Vec<Symbol> = symbols.into_values().collect();
    files.push(output(
        "Makefile",
        &Makefile {
            mark,
            symbols: &symbols,
        },
    ));
    files.push(output(
        "Kconfig",
        &Kconfig {
            mark,
            symbols: &symbols,
            trace: options.trace,
        },
    ));
    files.push(output(
        ".kunitconfig",
        &Kunitconfig {
            mark,
            depends: symbols
                .iter()
                .flat_map(|symbol| &symbol.depends)
                .map(String::as_str)
                .collect(),
            symbols: &symbols,
        },
    ));
    files
}

fn output(name: &str, template: &impl Template) -> OutputFile {
    OutputFile::rendered(format!("{FOLDER}/{name}"), template)
}

#[derive(Template)]
#[template(path = "Makefile.txt")]
struct Makefile<'f> {
    mark: Option<&'static str>,
    symbols: &'f [Symbol],
}

/// A symbol of Kconfig that builds suites.
struct Symbol {
    name: String,
    /// What its title says it needs.
    of: String,
    depends: Vec<String>,
    selects: Vec<String>,
    unset: Vec<String>,
    objects: Vec<String>,
}

impl Symbol {
    fn new(needs: &Needs) -> Symbol {
        let of: Vec<&str> = needs.symbols().into_iter().collect();
        Symbol {
            name: needs.symbol(),
            of: of.join(", "),
            depends: needs.depends.iter().cloned().collect(),
            selects: needs.selects.iter().cloned().collect(),
            unset: needs.unset.iter().cloned().collect(),
            objects: vec![],
        }
    }
}

#[derive(Template)]
#[template(path = "Kconfig.txt")]
struct Kconfig<'f> {
    mark: Option<&'static str>,
    symbols: &'f [Symbol],
    trace: bool,
}

#[derive(Template)]
#[template(path = "kunitconfig.txt")]
struct Kunitconfig<'f> {
    mark: Option<&'static str>,
    depends: BTreeSet<&'f str>,
    symbols: &'f [Symbol],
}

/// A C file, fully named and wrapped.
#[derive(Template)]
#[template(path = "suite.c")]
struct File<'s> {
    header: Vec<String>,
    includes: Vec<String>,
    /// The suite's name in the language.
    name: String,
    /// The KUnit suite, and the prefix of the file's functions.
    kunit_name: String,
    /// The line of the source that the suite begins on.
    line: u32,
    /// The name of the device under test, and of the one that it is below.
    dev_name: String,
    parent_name: String,
    /// Fields of the recorder.
    devices: Vec<Field<'s>>,
    drivers: Vec<Field<'s>>,
    handles: Vec<Field<'s>>,
    groups: Vec<Field<'s>>,
    memory: Vec<MemoryField<'s>>,
    counters: Vec<Joined<'s>>,
    /// The places of declared drivers in the tables of their kinds.
    driver_slots: Vec<String>,
    /// What kinds need: functions, objects, tables, in order.
    kind_parts: Vec<Vec<String>>,
    /// The lines of the table of kinds.
    rows: Lines,
    /// Functions of actions that others refer to before they come.
    prototypes: Vec<String>,
    /// The functions of the actions, the drivers and the scenarios.
    functions: Vec<Function>,
    /// The lines of the table of cases.
    tests: Lines,
    /// What is done before the first case and after the last.
    set_up: Vec<String>,
    set_down: Vec<String>,
    uses: Uses,
    known: Known<'s>,
    trace: bool,
    /// Room for the lines of a trace.
    log_entries: usize,
    /// Whether some test runs into a fault, for KASAN to tell.
    faults: bool,
    /// What runs programs from a table instead of tests.
    bulk: Option<Bulk>,
    target: Linux,
}

/// What a file has once, however many scenarios want it.
#[derive(Default)]
struct Known<'s> {
    /// Of the functions of actions.
    heads: HashSet<String>,
    prototypes: HashSet<String>,
    counters: HashSet<Joined<'s>>,
    fields: HashSet<Joined<'s>>,
}

impl<'s> Known<'s> {
    /// A field of the recorder, once for what has that name in scenarios.
    fn field(&mut self, fields: &mut Vec<Field<'s>>, name: Joined<'s>, field: Joined<'s>) {
        if self.fields.insert(field) {
            fields.push(Field { name, field });
        }
    }
}

/// What a file has instead of tests: an interpreter of programs.
struct Bulk {
    /// The file with the programs, and what it is.
    programs: String,
    digest: String,
    /// How many programs have one hash.
    batch: usize,
    /// The operations, each a case of a switch.
    cases: Lines,
    /// What a program finds set up.
    set_up: Lines,
}

impl File<'_> {
    /// The parameter of a kind's create and init: with one device there is none.
    fn maker(&self) -> &'static str {
        if self.uses.several {
            "struct test_device *td"
        } else {
            "void"
        }
    }

    /// Whether a device that is registered has to be bound by then, or else its state is not
    /// what it is called. With several devices that is for the tests to expect.
    fn has_to_bind(&self) -> bool {
        self.uses.bound_kind && !self.uses.several && !self.uses.init
    }

    /// Which device from the end of the table is the last of a scenario's own: behind them
    /// is the one that the device under test is below, which is set up for it.
    fn last_device(&self) -> usize {
        if self.uses.parent { 2 } else { 1 }
    }

    /// What a device's field says while it is registered: where devices are linked, in which
    /// order they were.
    fn registered(&self) -> &'static str {
        if self.uses.link {
            "++ctx.registrations"
        } else {
            "true"
        }
    }

    fn not_registered(&self) -> &'static str {
        if self.uses.link { "0" } else { "false" }
    }

    /// The parameters of the suite's cases: its table of kinds.
    fn array_param(&self, what: &str, description: &str) -> String {
        let mut lines = Lines::default();
        let name = self.kunit_name.as_str();
        let kinds = Joined::new(name, "_kinds", "");
        lines.call("", what, &[name.into(), kinds, description.into()], ";");
        lines.without_end()
    }

    /// The field that references are taken and dropped by.
    fn pointer(&self) -> &'static str {
        if self.faults { "last" } else { "dev" }
    }

    /// Whether something says how large memory is.
    fn has_sizes(&self) -> bool {
        let uses = &self.uses.memory;
        uses.alloc || uses.devm_alloc || uses.new || uses.get
    }

    /// How many links a scenario may have.
    fn max_links(&self) -> usize {
        crate::sim::MAX_LINKS
    }

    fn made_from(&self) -> &'static str {
        if self.uses.several { "td" } else { "" }
    }

    fn kind_of_td(&self) -> &'static str {
        if self.uses.several {
            "td->kind"
        } else {
            "ctx.kind"
        }
    }
}

/// Which helpers the file needs.
#[derive(Default)]
struct Uses {
    /// Devices other than the one under test, or what has to tell them apart.
    several: bool,
    get: bool,
    /// A driver is registered, and not only declared.
    register_driver: bool,
    put: bool,
    register: bool,
    init: bool,
    add: bool,
    del: bool,
    /// Some device is registered by halves.
    halves: bool,
    link: bool,
    settle: bool,
    /// Something is expected of the number of references.
    refs: bool,
    /// Something is expected of the order of callbacks.
    order: bool,
    /// Something is expected of `dev->driver`.
    bound: bool,
    /// Something is expected of a device that may never have been there.
    alive: bool,
    wrapped: bool,
    /// A driver may be told of another device than the first one it is for.
    any: bool,
    /// Devices are opened.
    handles: bool,
    /// Some devices belong to objects of a framework.
    objects: bool,
    /// Something is asked of open files.
    asked: bool,
    /// There are groups of resources.
    groups: bool,
    /// What is done to memory and resources.
    memory: MemoryUses,
    /// Something is expected of what the kernel says.
    warnings: bool,
    /// Somebody looks whether a device has been released.
    observed: bool,
    owned: bool,
    /// Drivers are registered.
    drivers: bool,
    /// A driver keeps the device under test bound, for some kind.
    bound_kind: bool,
    /// The device under test is below another one, for some kind.
    parent: bool,
    /// A driver's probe and remove matter.
    callbacks: bool,
    /// It is counted how often they run.
    counts: bool,
    /// Init does something that has to be undone.
    tear_down: bool,
    /// Actions or drivers do something that may fail.
    fallible: bool,
    /// The test that runs, for callbacks and kinds.
    test: bool,
    /// Actions or drivers do something.
    bodies: bool,
    /// A test asks for the name of its kind.
    kind_names: bool,
    parent_of: bool,
    /// A device may be made anew when it is gone.
    anew: bool,
    /// Devices hang below others.
    below: bool,
    /// Who unregisters some device waits until nobody holds it.
    waits: bool,
}

impl Uses {
    /// Whether devices are registered at once and by halves: what both do is a helper.
    fn makes_both_ways(&self) -> bool {
        self.register && self.init
    }

    /// Says so, once all tests are written. With several devices the helpers look.
    fn see_whether_observed(&mut self) {
        self.observed |= self.several || self.refs || self.alive || self.bound;
        self.wrapped &= self.observed;
        self.anew &= self.observed;
    }

    /// Takes note of the helper that an operation calls.
    fn note(&mut self, op: Op) {
        match op {
            Op::Register(_) => self.register = true,
            Op::Init(_) => self.init = true,
            Op::Add(_) => self.add = true,
            Op::Del(_) => self.del = true,
            Op::Get(_) => self.get = true,
            Op::Put(_) => self.put = true,
            Op::Link(..) => self.link = true,
            Op::RegisterDriver(_) => self.register_driver = true,
            Op::Settle => self.settle = true,
            _ => {}
        }
    }
}

/// Which helpers the file needs for memory and resources.
#[derive(Default)]
struct MemoryUses {
    alloc: bool,
    devm_alloc: bool,
    realloc: bool,
    devm_realloc: bool,
    touched: bool,
    new: bool,
    get: bool,
    find: bool,
    remove: bool,
    add: bool,
    /// Resources are freed.
    free: bool,
    /// It matters how often a resource was added.
    counted: bool,
}

impl MemoryUses {
    /// Whether there is memory that is somebody's to free.
    fn owned(&self) -> bool {
        self.alloc || self.remove || self.add || self.free
    }

    /// Whether some of that is resources.
    fn free_resource(&self) -> bool {
        self.remove || self.free
    }
}

struct Field<'s> {
    name: Joined<'s>,
    field: Joined<'s>,
}

/// Memory or a resource, and what frees it where nobody manages it.
struct MemoryField<'s> {
    field: Joined<'s>,
    free: Option<&'static str>,
}

struct Function {
    doc: Vec<String>,
    head: String,
    lines: Lines,
}

impl Function {
    fn new(head: String, lines: Lines) -> Self {
        Function {
            doc: vec![],
            head,
            lines,
        }
    }
}

/// Lines of a trace for which there is room: as many again as the longest of the simulator has, for
/// a kernel that does something else.
fn log_entries(unit: &Unit, suite: &Suite, options: &Options) -> usize {
    const LEAST: usize = 256;
    if !options.trace {
        return LEAST;
    }
    let cases = suite
        .scenarios
        .iter()
        .flat_map(|scenario| expand::cases_of(unit, suite, scenario, options.model()));
    let longest = cases.map(|case| run::run(&case).trace.len()).max();
    LEAST.max(2 * longest.unwrap_or(0))
}

/// The file of a suite. Its kinds are those of the second unit where nobody looks at the release
/// of devices.
fn suite_file<'s>(
    [unit, unobserved]: [&Unit; 2],
    suite: &'s Suite,
    left_out: &[String],
    options: &Options,
    sink: &mut Sink,
) -> Option<File<'s>> {
    let kinds = kinds(unit, suite, sink)?;
    let source = unit.sources.get(suite.source).name.clone();
    let mut file = File {
        header: if options.upstream {
            comment(&suite.doc)
        } else {
            header(unit, suite, left_out, options, &source)
        },
        includes: vec![],
        name: suite.name.clone(),
        kunit_name: names::suite(suite),
        line: unit.line(suite.span),
        dev_name: names::c_device_name("dev"),
        parent_name: names::c_device_name("parent"),
        devices: vec![],
        drivers: vec![],
        handles: vec![],
        groups: vec![],
        memory: vec![],
        counters: vec![],
        driver_slots: vec![],
        kind_parts: vec![],
        rows: Lines::default(),
        prototypes: vec![],
        functions: vec![],
        tests: Lines::default(),
        set_up: vec![],
        set_down: vec![],
        uses: uses::of(unit, suite, &kinds, options),
        known: Known::default(),
        trace: options.trace || options.bulk.is_some(),
        log_entries: log_entries(unit, suite, options),
        faults: false,
        bulk: None,
        target: options.target,
    };
    if let Some(table) = &options.bulk {
        bulk::interpreter(unit, suite, table, options, &mut file);
    }
    let shared = scenario::Shared::of(suite);
    for scenario in &suite.scenarios {
        let Some(&used) = scenario.kinds.first().filter(|_| options.bulk.is_none()) else {
            continue;
        };
        expand::with_program(unit, scenario, used, |program| {
            scenario::Emitter {
                unit,
                suite,
                scenario,
                program,
                options,
                shared: &shared,
                file: &mut file,
            }
            .emit();
        });
    }
    file.uses.see_whether_observed();
    let of_kinds = if file.uses.observed { unit } else { unobserved };
    file.kinds(of_kinds, suite, &kinds);
    file.includes(of_kinds, &kinds);
    if file.uses.parent {
        file.devices.push(Field {
            name: "parent".into(),
            field: names::c_device("parent"),
        });
    }
    // Last, so that what a scenario declares goes before it.
    if file.uses.callbacks && file.uses.bound_kind {
        file.drivers.push(Field {
            name: "dev.driver".into(),
            field: names::c_driver_of("dev"),
        });
    }
    Some(file)
}

impl<'s> File<'s> {
    fn counter(&mut self, name: Joined<'s>) {
        if self.known.counters.insert(name) {
            self.counters.push(name);
        }
    }

    fn includes(&mut self, unit: &Unit, kinds: &BTreeSet<KindId>) {
        self.includes = kinds
            .iter()
            .flat_map(|id| unit.kind(*id).c.iter())
            .flat_map(|c| c.lines(CKey::Include).map(str::to_owned))
            .collect();
        let always = ["<kunit/test.h>", "<linux/device.h>"];
        let traced = self.trace.then_some("<linux/sched.h>");
        let warned = self.uses.warnings.then_some("<linux/kmsg_dump.h>");
        let allocated = (!self.memory.is_empty()).then_some("<linux/slab.h>");
        let opened = ["cred", "dcache", "file", "fs", "kdev_t", "mount", "path"];
        let opened = opened.map(|name| format!("<linux/{name}.h>"));
        let opened = opened.iter().filter(|_| self.uses.handles);
        let closes = self.uses.handles && !self.target.has_fput_for_all();
        let worker = closes.then_some("<linux/workqueue.h>");
        let all = always.into_iter().chain(traced).chain(worker);
        let all = all.chain(warned).chain(allocated);
        let all = all.chain(opened.map(String::as_str));
        self.includes.extend(all.map(str::to_owned));
        self.includes.sort();
        self.includes.dedup();
    }
}

/// The kinds that the suite needs, each of which has to have C.
fn kinds(unit: &Unit, suite: &Suite, sink: &mut Sink) -> Option<BTreeSet<KindId>> {
    let mut complete = true;
    for (id, span) in suite.kinds_of_devices() {
        let kind = unit.kind(id);
        if kind.c.is_none() {
            complete = false;
            sink.report(
                Diagnostic::new(Code::Inability, format!("kind `{}` has no C", kind.name))
                    .label(span, "C is emitted for every suite")
                    .label(kind.span, "declared here, without `c { ... }`")
                    .help(format!(
                        "`run` does without C; leave the suite out with `--skip {}`, or say what the \
                         kind's C is",
                        suite.name
                    )),
            );
        }
    }
    complete.then(|| suite.kinds_of_devices().map(|(id, _)| id).collect())
}

/// What the suite is about, what it was made from, and what its cases are.
fn header(
    unit: &Unit,
    suite: &Suite,
    left_out: &[String],
    options: &Options,
    source: &str,
) -> Vec<String> {
    let mut lines = comment(&suite.doc);
    let command = options.command(source);
    lines.extend(words(
        &harmless(&format!("Generated by {command}, do not edit.")),
        77,
    ));
    if !left_out.is_empty() {
        let what = left_out.join(", ").replace('`', "");
        let target = options.target;
        lines.extend(words(&format!("Not on Linux {target}: {what}."), 77));
    }
    let scenarios = suite.scenarios.iter().map(|scenario| {
        let hash = identity::scenario(unit, scenario);
        format!("{} {hash}", scenario.name)
    });
    let kinds = suite.kinds.iter().map(|used| {
        let hash = identity::kind(unit, used);
        format!("{} {hash}", used.label(unit))
    });
    let cases = format!(
        "Content: {}; on {}.",
        scenarios.collect::<Vec<_>>().join(", "),
        kinds.collect::<Vec<_>>().join(", ")
    );
    lines.extend(words(&cases, 77));
    lines
}

fn comment(doc: &[String]) -> Vec<String> {
    let doc: Vec<Cow<'_, str>> = doc.iter().map(|line| harmless(line)).collect();
    words(&doc.join(" "), 76)
}

/// A comment of its own, on one line if it fits.
fn comment_block(doc: &[String]) -> Vec<String> {
    match comment(doc).as_slice() {
        [] => vec![],
        [line] if line.len() <= 74 => vec![format!("/* {line} */")],
        lines => {
            let inner = lines.iter().map(|line| format!(" * {line}"));
            let first = std::iter::once("/*".to_owned());
            first.chain(inner).chain([" */".to_owned()]).collect()
        }
    }
}
