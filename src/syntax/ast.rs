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
    /// `kind NAME { ... }`
    pub kinds: Vec<Kind>,
    /// `suite NAME on KIND, ... { ... }`
    pub suites: Vec<Suite>,
}

/// `kind NAME [: bus] { ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The lines of the doc comment.
    pub doc: Vec<String>,
    /// Its name.
    pub name: Name,
    /// Whether it says `: bus`.
    pub on_bus: bool,
    /// What stands between its braces.
    pub entries: Vec<Spanned<KindEntry>>,
}

/// A line of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindEntry {
    /// `parent NAME`
    Parent(Name),
    /// `release owned` or `release wrapped`
    Release(Release),
    /// `c { ... }`
    C(Vec<CSection>),
}

/// Whose the release function of a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The test allocates the device and brings the function.
    Owned,
    /// A framework does; the test puts a recorder in front.
    Wrapped,
}

/// `KEY | text`, once or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSection {
    /// What it is for.
    pub key: Name,
    /// C, as it stands.
    pub lines: Vec<Spanned<String>>,
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

/// `KIND [bound]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindUse {
    /// The kind.
    pub name: Name,
    /// The word `bound`, if it stands there.
    pub bound: Option<Span>,
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
}

/// One statement of a scenario or an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `register NAME`
    Register(Name),
    /// `unregister NAME`
    Unregister(Name),
    /// `get NAME`
    Get(Name),
    /// `put NAME`
    Put(Name),
    /// `attach NAME [fails ERRNO]`
    Attach(Name, Option<Name>),
    /// `unbind NAME`
    Unbind(Name),
    /// `action NAME on NAME { ... }`
    Action {
        /// The action's name.
        name: Name,
        /// The device on whose list it goes.
        on: Name,
        /// What it does.
        body: Vec<Spanned<Statement>>,
    },
    /// `expect ..., ...`
    Expect(Vec<Expected>),
    /// `finally expect ..., ...`
    Finally(Vec<Expected>),
}

/// One of the things that an `expect` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `NAME OUTCOME ...`
    Outcome(Expectation),
    /// `order NAME < NAME < ...`
    Order(Vec<Name>),
    /// `refs NAME +N`
    Refs(Name, i16),
    /// `no leaks`
    NoLeaks(Span),
}

/// `NAME OUTCOME [but OUTCOME without FIX [while bound | while unbound]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What it is about.
    pub subject: Name,
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
}

/// `but OUTCOME without FIX [while bound | while unbound]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What holds instead.
    pub outcome: Spanned<Outcome>,
    /// The fix that is absent.
    pub fix: Name,
    /// `while bound` is true, `while unbound` false.
    pub bound: Option<bool>,
    /// The whole of it.
    pub span: Span,
}
