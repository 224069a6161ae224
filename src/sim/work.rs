//! What a kernel makes of work that is queued, of which it promises nothing: workers are threads
//! of their own.

/// One of the ways in which the work of a case may be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Of the moments at which others may do what is queued (`Observer::overtakes`), those at which they
    /// do: a bit each, in their order.
    pub quick: u32,
    /// Whether links that go are removed before deferred probes are tried again: these are two
    /// queues (`device_link_wq` in drivers/base/core.c, `deferred_probe_work` in drivers/base/dd.c,
    /// Linux 6.12).
    pub links_first: bool,
}

impl Work {
    /// Moments of which every subset is tried where nobody asks a kernel.
    pub const FEW: u32 = 4;

    /// Moments of which there is a bit.
    const MOST: u32 = u32::BITS - 1;

    /// What else a kernel may make of the work, if there are so many moments for it. Every subset of the
    /// first `few` of them is tried; of more also each alone, all, and all but each.
    pub fn others(queued: u32, few: u32) -> impl Iterator<Item = Work> {
        let queued = queued.min(Work::MOST);
        let all = (1 << queued) - 1;
        let alone = (few..queued).map(|number| 1 << number);
        let but_one = (0..queued).map(move |number| all & !(1 << number));
        let of_more = alone
            .chain(but_one)
            .chain([all])
            .filter(move |_| queued > few);
        let subsets = (0..1 << queued.min(few)).chain(of_more);
        let works = subsets.flat_map(|quick| {
            let works = [false, true].into_iter();
            works.map(move |links_first| Work { quick, links_first })
        });
        works.skip(1)
    }

    /// Whether it is done at the moment of that number.
    pub(super) fn overtakes(self, number: u32) -> bool {
        self.quick.checked_shr(number).unwrap_or(0) & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn quick(queued: u32) -> BTreeSet<u32> {
        let others = Work::others(queued, 2);
        others.map(|work| work.quick).collect()
    }

    #[test]
    fn of_a_few_moments_every_subset_is_tried() {
        assert_eq!(Work::others(0, 2).count(), 1);
        assert_eq!(quick(2), BTreeSet::from([0b00, 0b01, 0b10, 0b11]));
        assert_eq!(Work::others(2, 2).count(), 7);
    }

    #[test]
    fn of_more_each_alone_and_all_but_each() {
        let tried = quick(4);
        for alone in [0b0001, 0b0010, 0b0100, 0b1000] {
            assert!(tried.contains(&alone) && tried.contains(&(0b1111 & !alone)));
        }
        assert!(tried.contains(&0b1111));
        assert!(!tried.contains(&0b0101));
        assert!(quick(1000).contains(&(1 << 30)));
    }

    #[test]
    fn at_a_moment_without_a_bit_nothing_is_done() {
        let work = Work {
            quick: u32::MAX,
            ..Work::default()
        };
        assert!(work.overtakes(31) && !work.overtakes(32));
    }
}
