//! A short list that lies inline, so that a state is one flat value.

/// Up to `N` items in order. Unused places hold the default: equal lists are equal
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct List<T, const N: usize> {
    len: u8,
    items: [T; N],
}

impl<T: Copy + Default + PartialEq, const N: usize> List<T, N> {
    pub(super) const fn new(filler: T) -> Self {
        List {
            len: 0,
            items: [filler; N],
        }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.items[..usize::from(self.len)]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items[..usize::from(self.len)]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn contains(&self, item: T) -> bool {
        self.as_slice().contains(&item)
    }

    /// Appends; gives the item back when the list is full.
    pub(super) fn push(&mut self, item: T) -> Result<(), T> {
        let place = self.items.get_mut(usize::from(self.len)).ok_or(item)?;
        *place = item;
        self.len += 1;
        Ok(())
    }

    /// Takes out the item at that place, if there is one; the others close up.
    pub(super) fn remove(&mut self, at: usize) -> Option<T> {
        let item = *self.as_slice().get(at)?;
        self.items.copy_within(at + 1..usize::from(self.len), at);
        self.len -= 1;
        self.items[usize::from(self.len)] = T::default();
        Some(item)
    }

    /// Keeps those for which `f` is true, in order.
    pub(super) fn retain(&mut self, mut f: impl FnMut(&T) -> bool) {
        let before = *self;
        *self = List::new(T::default());
        for item in before.as_slice() {
            if f(item) {
                self.items[usize::from(self.len)] = *item;
                self.len += 1;
            }
        }
    }

    /// Takes out the newest item that is equal, and says whether there was one.
    pub(super) fn remove_newest(&mut self, item: T) -> bool {
        let newest = self.as_slice().iter().rposition(|&known| known == item);
        newest.and_then(|at| self.remove(at)).is_some()
    }
}
