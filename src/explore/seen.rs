//! Which points were reached: a fingerprint of each, and nothing else. What a point is can be
//! told from the way to it (`way`).

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Parts of the set, which threads fill side by side.
const PARTS: usize = 16;

/// Bytes that a point takes at most: of the table, an eight-byte fingerprint and a byte of
/// control in a place, of which at least 7 in 16 are taken, and a bit for a part that grows;
/// and the step by which it was reached, in a list that may be twice as long.
pub const BYTES_A_POINT: usize = 9 * 16 / 7 + 2 * super::way::BYTES_A_STEP + 2;

/// Fingerprints are hashes already.
#[derive(Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = u64::from_ne_bytes(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

pub(super) type Fingerprints = HashSet<u64, BuildHasherDefault<Identity>>;

/// A set of fingerprints that threads can fill side by side.
#[derive(Default)]
pub(super) struct Seen {
    parts: [Fingerprints; PARTS],
}

/// Which part: by bits that the tables do not go by, the lowest and the highest.
fn part(fingerprint: u64) -> usize {
    (fingerprint >> 48) as usize % PARTS
}

impl Seen {
    /// Whether it is one of them.
    pub(super) fn contains(&self, fingerprint: u64) -> bool {
        self.parts[part(fingerprint)].contains(&fingerprint)
    }

    /// Adds one, and says whether it is new.
    pub(super) fn insert(&mut self, fingerprint: u64) -> bool {
        self.parts[part(fingerprint)].insert(fingerprint)
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(&self) -> usize {
        let places = |part: &Fingerprints| (part.capacity() * 8).div_ceil(7);
        self.parts.iter().map(|part| places(part) * 9).sum()
    }

    /// Adds all of them, with so many threads, and says by place which are new: of equal ones
    /// the first.
    pub(super) fn insert_all<T: Sync>(&mut self, found: &[(u64, T)], threads: usize) -> Vec<u32> {
        /// Fewer than this are not worth a thread.
        const FEW: usize = 1 << 13;
        let numbered = || {
            found
                .iter()
                .map(|&(fingerprint, _)| fingerprint)
                .zip(0u32..)
        };
        if threads < 2 || found.len() < FEW {
            let new = numbered().filter(|&(fingerprint, _)| self.insert(fingerprint));
            return new.map(|(_, number)| number).collect();
        }
        let share = PARTS.div_ceil(threads);
        let fill = |first: usize, parts: &mut [Fingerprints]| {
            let mut new = Vec::new();
            for (fingerprint, number) in numbered() {
                let mine = part(fingerprint).checked_sub(first);
                let part = mine.and_then(|mine| parts.get_mut(mine));
                if part.is_some_and(|part| part.insert(fingerprint)) {
                    new.push(number);
                }
            }
            new
        };
        let mut new: Vec<u32> = std::thread::scope(|scope| {
            let fill = &fill;
            let shares = self.parts.chunks_mut(share).enumerate();
            let threads: Vec<_> = shares
                .map(|(number, parts)| scope.spawn(move || fill(number * share, parts)))
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            // A thread that panics takes the program along.
            joined
                .flat_map(|new| new.unwrap_or_else(|why| std::panic::resume_unwind(why)))
                .collect()
        });
        new.sort_unstable();
        new
    }
}
