//! Versions of Linux, and what the emitted C has to know of them.

/// A version of Linux: `6.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Linux(pub u32, pub u32);

impl Linux {
    /// Reads `MAJOR.MINOR`.
    pub fn parse(text: &str) -> Option<Linux> {
        let (major, minor) = text.split_once('.')?;
        Some(Linux(major.parse().ok()?, minor.parse().ok()?))
    }

    /// Reads a release, as `uname -r` and tags of git have it: `6.12.117`, `v6.12-rc3`.
    pub fn of_release(text: &str) -> Option<Linux> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (major, rest) = text.split_once('.')?;
        let minor = rest.split(['.', '-', '+']).next()?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(major) && digits(minor))
            .then(|| Some(Linux(major.parse().ok()?, minor.parse().ok()?)))?
    }

    /// Whether `__fput_sync()` is for any thread (fs/file_table.c): on 6.1 it is a BUG in any but a
    /// kernel thread, and what cleans up behind an assertion that failed is none; on 6.12 it is not.
    pub fn has_fput_for_all(self) -> bool {
        self >= Linux(6, 12)
    }

    /// Whether `KUNIT_ARRAY_PARAM_DESC` is there (include/kunit/test.h).
    pub fn has_array_param_desc(self) -> bool {
        self >= Linux(6, 8)
    }
}

impl std::fmt::Display for Linux {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::Linux;

    #[test]
    fn a_release_is_one_of_a_version() {
        for text in [
            "6.12",
            "v6.12",
            "6.12.117",
            "6.12-rc3",
            "6.12.117-1~deb12u1",
            "v6.12.3+",
        ] {
            assert_eq!(Linux::of_release(text), Some(Linux(6, 12)), "{text}");
        }
        for text in ["6", "linux-6.12", "6.x", "v.6", "+6.12", ""] {
            assert_eq!(Linux::of_release(text), None, "{text}");
        }
    }
}
