//! The tree of a file: what the text says, names not yet looked up.

use crate::source::{SourceId, Span, Spanned};

/// A name where it stands.
pub type Name = Spanned<String>;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The text it was read from.
    pub source: SourceId,
    /// `use NAME`
    pub uses: Vec<Name>,
    /// `use "FILE"`, without the quotes
    pub files: Vec<Name>,
    /// `kind NAME { ... }`
    pub kinds: Vec<Kind>,
    /// `suite NAME on KIND, ... { ... }`
    pub suites: Vec<Suite>,
    /// Whether no item of it was left out, of which one may have been a kind.
    pub whole: bool,
}

impl File {
    /// Nothing yet, of that text.
    pub(super) fn new(source: SourceId) -> Self {
        File {
            source,
            uses: vec![],
            files: vec![],
            kinds: vec![],
            suites: vec![],
            whole: true,
        }
    }

    /// The items of another piece of the same text, behind these.
    pub(super) fn append(&mut self, other: File) {
        self.uses.extend(other.uses);
        self.files.extend(other.files);
        self.kinds.extend(other.kinds);
        self.suites.extend(other.suites);
        self.whole &= other.whole;
    }
}

/// `kind NAME [: bus | : class] { ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The lines of the doc comment.
    pub doc: Vec<String>,
    /// Its name.
    pub name: Name,
    /// Whether it says `: bus`.
    pub on_bus: bool,
    /// Whether it says `: class`.
    pub in_class: bool,
    /// What stands between its braces.
    pub entries: Vec<Spanned<KindEntry>>,
    /// Whether nothing of it was left out.
    pub whole: bool,
}

/// A line of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindEntry {
    /// `parent NAME`
    Parent(Name),
    /// `release owned` or `release wrapped`
    Release(Release),
    /// `halves`
    Halves,
    /// `waits`
    Waits,
    /// `driver WORD, ...`
    Driver(Vec<Name>),
    /// `needs SYMBOL, ..., not SYMBOL, ...`
    Needs {
        /// What has to be set.
        set: Vec<Name>,
        /// What must not be.
        unset: Vec<Name>,
    },
    /// `selects SYMBOL, ...`
    Selects(Vec<Name>),
    /// `since LINUX`
    Since(Name),
    /// `handles`, `handles get`, `handles object` or `handles misc`
    Handles(Handles),
    /// `c { ... }`
    C(Vec<CSection>),
}

/// What open files of a device hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handles {
    /// `handles`: the character device.
    Plain,
    /// `handles get`: the device as well.
    Get,
    /// `handles object`: the framework's object that the device belongs to.
    Object,
    /// `handles misc`: nothing.
    Misc,
}

/// Whose the release function of a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The test allocates the device and brings the function.
    Owned,
    /// A framework does; the test puts a recorder in front.
    Wrapped,
}

/// `KEY [since LINUX | until LINUX] | text`, the text once or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSection {
    /// What it is for.
    pub key: Name,
    /// The versions of Linux that it is for, if not all.
    pub versions: Option<Versions>,
    /// C, as it stands.
    pub lines: Vec<Spanned<String>>,
}

/// `since LINUX` or `until LINUX`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// From this version on, or else before it.
    pub since: bool,
    /// The version, as it is written.
    pub linux: Name,
}

/// `suite NAME on KIND, ... { ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// The lines of the doc comment.
    pub doc: Vec<String>,
    /// Its name.
    pub name: Name,
    /// The kinds that each scenario runs on.
    pub kinds: Vec<KindUse>,
    /// Its scenarios.
    pub scenarios: Vec<Scenario>,
}

/// `KIND [bound] [parent NAME]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindUse {
    /// The kind.
    pub name: Name,
    /// The word `bound`, if it stands there.
    pub bound: Option<Span>,
    /// What it hangs below: of a suite a kind, of a device another device.
    pub parent: Option<Name>,
    /// The whole of it.
    pub span: Span,
}

/// `scenario NAME { ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The lines of the doc comment.
    pub doc: Vec<String>,
    /// Its name.
    pub name: Name,
    /// What it does.
    pub body: Vec<Spanned<Statement>>,
    /// Whether nothing of it was left out.
    pub whole: bool,
    /// Which order it is of a scenario that leaves one open, if it is.
    pub order: Option<Order>,
}

/// One order of a scenario that leaves it open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Where the scenario's name stands.
    pub scenario: Span,
    /// That name.
    pub of: String,
    /// The order: which strand is next, a letter each.
    pub which: String,
    /// How many there are.
    pub count: usize,
    /// Where the blocks stand that are in any order.
    pub blocks: Vec<Span>,
}

impl Order {
    /// What the scenario of this order is called.
    pub fn name(&self) -> String {
        format!("{}_{}", self.of, self.which)
    }
}

/// What keeps its own order among others: a statement, or `{ ... }`.
pub type Strand = Vec<Spanned<Statement>>;

/// One statement of a scenario, an action or a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `device NAME: KIND [bound] [parent NAME]`, or `device NAME like NAME ...`
    Device {
        /// The device's name.
        name: Name,
        /// What it is.
        kind: KindUse,
        /// Whether that names another device, whose kind it has.
        is_like: bool,
    },
    /// `driver NAME for NAME, ... { ... }`
    Driver {
        /// The driver's name.
        name: Name,
        /// The devices that it is for, at least one.
        devices: Vec<Name>,
        /// What stands between its braces.
        entries: Vec<Spanned<DriverEntry>>,
    },
    /// An operation on things that have names: `register NAME`, `bind NAME to NAME` ...
    Op {
        /// Which one.
        verb: Verb,
        /// What it is done to.
        names: Vec<Name>,
        /// `fails ERRNO`
        fails: Option<Name>,
    },
    /// `action NAME on NAME { ... }`
    Action {
        /// The action's name.
        name: Name,
        /// The device on whose list it goes.
        on: Name,
        /// Where `.object` stands: that of the object which it belongs to, instead.
        of_object: Option<Span>,
        /// What it does.
        body: Vec<Spanned<Statement>>,
    },
    /// `memory NAME [on NAME]`
    Memory {
        /// The memory's name.
        name: Name,
        /// The device on whose list it goes, if it is on one.
        on: Option<Name>,
    },
    /// `resource NAME on NAME { ... }`
    Resource {
        /// The resource's name.
        name: Name,
        /// The device on whose list it goes.
        on: Name,
        /// What its release function does.
        body: Vec<Spanned<Statement>>,
    },
    /// `group NAME on NAME`
    Group {
        /// The group's name.
        name: Name,
        /// The device on whose list it is opened.
        on: Name,
    },
    /// `return ERRNO`
    Return(Name),
    /// What the grammar could not read: the words in it, which may be names.
    Broken(Vec<String>),
    /// `expect ..., ...`
    Expect(Vec<Expected>),
    /// `finally expect ..., ...`
    Finally(Vec<Expected>),
    /// `in any order { ... }`
    AnyOrder(Vec<Strand>),
}

impl Statement {
    /// The name that it declares, if it declares one.
    pub fn declares(&self) -> Option<&Name> {
        match self {
            Statement::Device { name, .. }
            | Statement::Driver { name, .. }
            | Statement::Action { name, .. }
            | Statement::Memory { name, .. }
            | Statement::Resource { name, .. }
            | Statement::Group { name, .. } => Some(name),
            Statement::Op { verb, names, .. } if *verb == Verb::Open => names.last(),
            _ => None,
        }
    }
}

/// The word that an operation begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `init`
    Init,
    /// `add`, of a device or a resource
    Add,
    /// `del`
    Del,
    /// `register`, of a device or a driver
    Register,
    /// `unregister`, of a device or a driver
    Unregister,
    /// `get`, of a device or a resource
    Get,
    /// `put`
    Put,
    /// `attach`
    Attach,
    /// `bind ... to ...`
    Bind,
    /// `unbind`
    Unbind,
    /// `link ... to ...`
    Link,
    /// `link ... to ... while ... bound`
    LinkWhileBound,
    /// `link ... to ... autoprobe`
    LinkAutoprobe,
    /// `link ... to ... stateless`
    LinkStateless,
    /// `unlink ... from ...`
    Unlink,
    /// `open ... as ...`
    Open,
    /// `close`, of a handle or a group
    Close,
    /// `settle`
    Settle,
    /// `remove`, of an action, a resource or a group
    Remove,
    /// `release`, of an action, a resource or a group
    Release,
    /// `use`, of memory, a resource or a handle
    Use,
    /// `find`, of a resource
    Find,
    /// `destroy`, of a resource
    Destroy,
    /// `realloc`, of memory
    Realloc,
    /// `free`, of memory or a resource
    Free,
}

/// A line of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverEntry {
    /// `probe [N] { ... }`
    Probe {
        /// The attempt that it is for.
        attempt: Option<Spanned<u8>>,
        /// What it does.
        body: Vec<Spanned<Statement>>,
    },
    /// `remove { ... }`
    Remove(Vec<Spanned<Statement>>),
}

/// `NAME`, `NAME.probe` or `NAME.remove`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The name.
    pub name: Name,
    /// Which callback of it.
    pub member: Option<Member>,
    /// The whole of it.
    pub span: Span,
}

impl Subject {
    /// As it is written.
    pub fn text(&self) -> String {
        let name = &self.name.value;
        match self.member {
            None => name.clone(),
            Some(Member::Probe) => format!("{name}.probe"),
            Some(Member::Remove) => format!("{name}.remove"),
        }
    }
}

/// A callback of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// `.probe`
    Probe,
    /// `.remove`
    Remove,
}

/// One of the things that an `expect` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `NAME OUTCOME ...`
    Outcome(Expectation),
    /// `order NAME < NAME < ...`
    Order(Vec<Subject>),
    /// `refs NAME +N`
    Refs(Name, i16, Span),
    /// `no leaks`
    NoLeaks(Span),
    /// `fault NAME on NAME ...`
    Fault(FaultExpected),
}

/// `fault NAME on NAME [without FIX [while bound | while unbound | on KINDS]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultExpected {
    /// What goes wrong.
    pub fault: Name,
    /// With what.
    pub on: Name,
    /// The fix that is absent where it happens.
    pub without: Option<Name>,
    /// On what it happens.
    pub condition: Option<Condition>,
    /// The fix without which it does not, and on what: `but no fault without FIX ...`
    pub absent: Option<(Name, Option<Condition>)>,
    /// The whole of it.
    pub span: Span,
}

/// `while bound`, `while unbound` or `on KIND and KIND ...`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `while bound` is true, `while unbound` false.
    While(Spanned<bool>),
    /// `on KIND and KIND ...`
    On(Vec<KindUse>),
}

/// `SUBJECT OUTCOME [but OUTCOME without FIX [while bound | while unbound | on KINDS]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What it is about; a warning is about nothing that has a name.
    pub subject: Option<Subject>,
    /// What holds.
    pub outcome: Spanned<Outcome>,
    /// What holds instead on some kernels.
    pub deviations: Vec<Deviation>,
    /// The whole of it.
    pub span: Span,
}

/// What is said of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `ran`
    Ran,
    /// `ran N times`
    RanTimes(u8),
    /// `not run`
    NotRun,
    /// `freed`
    Freed,
    /// `alive`
    Alive,
    /// `bound`
    Bound,
    /// `unbound`
    Unbound,
    /// `leaked`
    Leaked,
    /// `warning`
    Warned,
    /// `no warning`
    NotWarned,
}

/// `but OUTCOME without FIX [while bound | while unbound | on KINDS]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What holds instead.
    pub outcome: Spanned<Outcome>,
    /// The fix that is absent.
    pub fix: Name,
    /// On what.
    pub condition: Option<Condition>,
    /// The whole of it.
    pub span: Span,
}
