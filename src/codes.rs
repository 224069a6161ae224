//! The stable code of each kind of error and warning: one entry each, and nothing else.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// What kind of error or warning a diagnostic is about. Codes are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it is printed.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $code,)*
                }
            }
        }
    };
}

codes! {
    /// The text does not follow the grammar.
    Syntax = "E0101";
    /// A statement begins with a word that is no operation.
    UnknownOperation = "E0102";
    /// A name is a keyword, or not of the form `[a-z][a-z0-9_]*`.
    BadName = "E0103";
    /// Braces are nested too deeply.
    TooDeep = "E0104";

    /// A device, a driver, an action or an error that is not known.
    UnknownName = "E0201";
    /// A name that is declared twice.
    Duplicate = "E0202";
    /// A kind that no file declares.
    UnknownKind = "E0203";
    /// `use` of a library that is not there.
    UnknownLibrary = "E0204";
    /// A fix that the simulator does not know.
    UnknownFix = "E0205";

    /// A name stands for the wrong sort of thing.
    WrongSort = "E0301";
    /// The kind cannot do or be that.
    Inability = "E0302";
    /// An action would take over a reference that the scenario does not own.
    NoReference = "E0303";
    /// A deviation that says nothing, or the same twice.
    Deviation = "E0304";
    /// A kind's declaration is incomplete or says something twice.
    KindSection = "E0305";
    /// More devices, actions or drivers than a case may have.
    Limit = "E0306";

    /// A lifetime goes wrong, as the simulator found.
    Fault = "E0401";
    /// An expectation does not hold.
    Expectation = "E0402";
    /// An expectation depends on work that is queued and not yet done.
    Race = "E0403";
    /// An announced fault does not happen.
    NoFault = "E0404";

    /// A file or folder cannot be read.
    Unreadable = "E0501";
    /// A file is not UTF-8.
    NotUtf8 = "E0502";
    /// A folder or all files together hold no scenario.
    NoScenarios = "E0503";
    /// A file is too large to be read.
    TooLarge = "E0504";

    /// An action, a device or a driver that says nothing.
    Unused = "W0601";
    /// A kind that the version of Linux does not have.
    LeftOut = "W0602";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The reference of all codes, a section each.
const REFERENCE: &str = include_str!("../docs/errors.md");

impl Code {
    /// Whether it is a warning, in spite of which everything goes on.
    pub fn is_warning(self) -> bool {
        self.as_str().starts_with('W')
    }

    /// Whether it is about what came of running a case.
    pub fn is_of_a_run(self) -> bool {
        matches!(
            self,
            Code::Fault | Code::Expectation | Code::Race | Code::NoFault
        )
    }

    /// The code that is printed so, in whatever case.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(name))
    }

    /// What the code means, with an example: its section of docs/errors.md.
    pub fn explanation(self) -> &'static str {
        let section = |text: &&str| text.starts_with(self.as_str());
        REFERENCE.split("\n## ").find(section).unwrap_or_default()
    }
}
