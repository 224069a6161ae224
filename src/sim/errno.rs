//! The errors that functions of the driver core return.
//! Source: `include/uapi/asm-generic/errno-base.h`, `include/linux/errno.h`, Linux 6.12.

/// An error that a kernel function returns, as a positive number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// "No such file or directory": what adding a device below one returns that is not in
    /// sysfs.
    pub const ENOENT: Errno = Errno(2);
    /// "I/O error".
    pub const EIO: Errno = Errno(5);
    /// "No such device or address": a probe that returns it rejects the match.
    pub const ENXIO: Errno = Errno(6);
    /// "Try again": what `device_driver_attach()` makes of a deferred probe.
    pub const EAGAIN: Errno = Errno(11);
    /// "Out of memory".
    pub const ENOMEM: Errno = Errno(12);
    /// "Device or resource busy".
    pub const EBUSY: Errno = Errno(16);
    /// "File exists".
    pub const EEXIST: Errno = Errno(17);
    /// "No such device": a probe that returns it rejects the match.
    pub const ENODEV: Errno = Errno(19);
    /// "Invalid argument".
    pub const EINVAL: Errno = Errno(22);
    /// "Driver requests probe retry".
    pub const EPROBE_DEFER: Errno = Errno(517);

    /// Those that scenarios can name.
    pub const NAMES: [(&'static str, Errno); 10] = [
        ("ENOENT", Errno::ENOENT),
        ("EIO", Errno::EIO),
        ("ENXIO", Errno::ENXIO),
        ("EAGAIN", Errno::EAGAIN),
        ("ENOMEM", Errno::ENOMEM),
        ("EBUSY", Errno::EBUSY),
        ("EEXIST", Errno::EEXIST),
        ("ENODEV", Errno::ENODEV),
        ("EINVAL", Errno::EINVAL),
        ("EPROBE_DEFER", Errno::EPROBE_DEFER),
    ];

    /// The error of that name.
    pub fn from_name(name: &str) -> Option<Errno> {
        Errno::NAMES
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, errno)| errno)
    }

    /// Its name in the kernel.
    pub fn name(self) -> &'static str {
        let known = Errno::NAMES.into_iter().find(|(_, errno)| *errno == self);
        known.map_or("an unknown error", |(name, _)| name)
    }

    /// What a kernel function returned, in words: `0`, `1`, `-EBUSY`.
    pub fn from_return(ret: i32) -> String {
        let known = Errno::NAMES.into_iter().find(|(_, errno)| errno.0 == -ret);
        known.map_or(ret.to_string(), |(name, _)| format!("-{name}"))
    }

    /// As kernel functions return it.
    pub const fn negative(self) -> i32 {
        -self.0
    }

    /// Whether a function that may fail returned what is wanted: this error, or with
    /// `None` no error.
    pub fn is_returned(wanted: Option<Errno>, ret: i32) -> bool {
        wanted.map_or(ret >= 0, |errno| ret == errno.negative())
    }
}
