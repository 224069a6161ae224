//! What a kernel makes of work that is queued, of which it promises nothing: workers are threads
//! of their own.

/// One of the ways in which the work of a case may be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Of the operations that return while work is queued, those of callbacks among them, those that
    /// the work overtakes: it is done before they return. A bit each, in the order in which they do.
    pub quick: u32,
    /// Whether links that go are removed before deferred probes are tried again: these are two
    /// queues (`device_link_wq` in drivers/base/core.c, `deferred_probe_work` in drivers/base/dd.c,
    /// Linux 6.12).
    pub links_first: bool,
}

impl Work {
    /// Operations of which every subset is tried where nobody asks a kernel.
    pub const FEW: u32 = 4;

    /// What else a kernel may make of the work, if so many operations return while some is queued: no
    /// more than `most` of them are tried.
    pub fn others(queued: u32, most: u32) -> impl Iterator<Item = Work> {
        let subsets = 1 << queued.min(most);
        let works = [false, true].into_iter();
        let works = works.flat_map(move |links_first| {
            (0..subsets).map(move |quick| Work { quick, links_first })
        });
        works.skip(1)
    }

    /// Whether it overtakes the operation of that number.
    pub(super) fn overtakes(self, number: u32) -> bool {
        self.quick.checked_shr(number).unwrap_or(0) & 1 != 0
    }
}
