//! The named changes of driver-core behaviour that a kernel may or may not have.
//!
//! A version does not tell which of them are present, since stable kernels get
//! backports; so a kernel is described by the set of fixes in it, its [`Model`].

use std::fmt;

/// A change of the driver core that scenarios can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fix {
    /// 699fb50d9903: `device_del()` calls `devres_release_all()`, so that a device
    /// without a driver gives up its managed resources when it is unregistered
    /// and not only when its last reference goes.
    DelReleasesDevres,
    /// 2e84dc379200: `__device_release_driver()` releases the managed resources first and
    /// cleans up device links then, so that what a supplier's or consumer's resources do
    /// still finds the links as they are while it is being unbound.
    UnbindReleasesDevresFirst,
    /// 8e1ddfada453: `devres_release_group()` does not warn of a group that is not on an
    /// empty list, since all of it may just be going.
    GroupMayBeGone,
}

impl Fix {
    /// Every fix, oldest first.
    pub const ALL: [Fix; 3] = [
        Fix::DelReleasesDevres,
        Fix::UnbindReleasesDevresFirst,
        Fix::GroupMayBeGone,
    ];

    /// The first 12 digits of the mainline commit.
    pub const fn commit(self) -> &'static str {
        match self {
            Fix::DelReleasesDevres => "699fb50d9903",
            Fix::UnbindReleasesDevresFirst => "2e84dc379200",
            Fix::GroupMayBeGone => "8e1ddfada453",
        }
    }

    /// The subject line of the mainline commit.
    pub const fn title(self) -> &'static str {
        match self {
            Fix::DelReleasesDevres => {
                "drivers: base: Free devm resources when unregistering a device"
            }
            Fix::UnbindReleasesDevresFirst => {
                "driver core: Release all resources during unbind before updating device links"
            }
            Fix::GroupMayBeGone => {
                "drivers: base: devres: Allow to release group on device release"
            }
        }
    }

    /// The mainline version that first had it; stable kernels may have a backport.
    pub const fn since(self) -> &'static str {
        match self {
            Fix::DelReleasesDevres => "6.6",
            Fix::UnbindReleasesDevresFirst => "6.7",
            Fix::GroupMayBeGone => "6.15",
        }
    }

    /// The fix of that commit, if it is one the simulator knows.
    pub fn from_commit(commit: &str) -> Option<Fix> {
        Fix::ALL.into_iter().find(|fix| fix.commit() == commit)
    }

    /// The fix that somebody means who writes more digits of its commit, or fewer, as git does.
    pub fn from_digits(digits: &str) -> Option<Fix> {
        /// What git shortens a commit to at most.
        const FEWEST: usize = 7;
        let digits = digits.to_ascii_lowercase();
        let means = |fix: &Fix| match digits.strip_prefix(fix.commit()) {
            Some(rest) => rest.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => digits.len() >= FEWEST && fix.commit().starts_with(&digits),
        };
        Fix::ALL.into_iter().find(means)
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.commit())
    }
}

/// Some of the fixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fixes(u8);

impl Fixes {
    /// All of them.
    pub const ALL: Fixes = Fixes(Model::ALL.fixes);

    /// These and one more.
    #[must_use]
    pub const fn and(self, fix: Fix) -> Fixes {
        Fixes(self.0 | 1 << fix as u8)
    }

    /// These and others.
    #[must_use]
    pub const fn or(self, others: Fixes) -> Fixes {
        Fixes(self.0 | others.0)
    }
}

/// A kernel, as far as the simulator is concerned: the set of fixes that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Model {
    pub(super) fixes: u8,
    #[cfg(feature = "defects")]
    pub(super) defect: Option<super::Defect>,
}

impl Model {
    /// A kernel with every fix.
    pub const ALL: Model = Model {
        fixes: (1 << Fix::ALL.len()) - 1,
        #[cfg(feature = "defects")]
        defect: None,
    };

    /// The same kernel with one fix taken out.
    pub const fn without(mut self, fix: Fix) -> Model {
        self.fixes &= !(1 << fix as u8);
        self
    }

    /// The same kernel with one fix put in.
    pub const fn with(mut self, fix: Fix) -> Model {
        self.fixes |= 1 << fix as u8;
        self
    }

    /// The kernels that cases are tried on: with all fixes, and without each one.
    pub fn known() -> impl Iterator<Item = Model> {
        let without = Fix::ALL.map(|fix| Model::ALL.without(fix));
        std::iter::once(Model::ALL).chain(without)
    }

    /// Whether the kernel has the fix.
    pub const fn has(self, fix: Fix) -> bool {
        self.fixes & (1 << fix as u8) != 0
    }

    /// Whether another kernel is the same as far as these fixes matter and no others do.
    pub fn is_like(self, other: Model, what_matters: Fixes) -> bool {
        let only = |mut model: Model| {
            model.fixes &= what_matters.0;
            model
        };
        only(self) == only(other)
    }

    /// The fixes that the kernel lacks, oldest first.
    pub fn lacks(self) -> impl Iterator<Item = Fix> {
        Fix::ALL.into_iter().filter(move |&fix| !self.has(fix))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Model::ALL {
            return f.write_str("with all fixes");
        }
        let mut word = "without";
        self.lacks().try_for_each(|fix| {
            write!(f, "{word} {fix}")?;
            word = " and";
            Ok(())
        })
    }
}
