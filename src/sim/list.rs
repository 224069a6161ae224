//! A short list that lies inline, so that a state is one flat value.

/// Up to `N` small numbers in order. Unused places are zero: equal lists are
/// equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct List<const N: usize> {
    len: u8,
    items: [u8; N],
}

impl<const N: usize> List<N> {
    pub(super) const fn new() -> Self {
        List {
            len: 0,
            items: [0; N],
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.items[..usize::from(self.len)]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends; gives the item back when the list is full.
    pub(super) fn push(&mut self, item: u8) -> Result<(), u8> {
        let place = self.items.get_mut(usize::from(self.len)).ok_or(item)?;
        *place = item;
        self.len += 1;
        Ok(())
    }
}
