//! Which lanes belong to one partition.

use std::collections::HashMap;

/// A partition goes by the number of its first lane. Those that have one alone need not be remembered.
#[derive(Debug, Default)]
pub struct Homes(HashMap<u32, u32>);

impl Homes {
    pub fn add(&mut self, first: u32, count: u32) {
        self.0.extend((first + 1..first + count).map(|lane| (lane, first)));
    }

    pub fn remove(&mut self, first: u32) {
        self.0.retain(|_, home| *home != first);
    }

    /// The first lane of the partition that a lane belongs to.
    pub fn of(&self, lane: u32) -> u32 {
        self.0.get(&lane).copied().unwrap_or(lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_leads_to_the_first_of_its_partition() {
        let mut homes = Homes::default();
        homes.add(1, 3);
        homes.add(4, 1);
        homes.add(5, 2);
        assert_eq!([1, 2, 3, 4, 5, 6].map(|lane| homes.of(lane)), [1, 1, 1, 4, 5, 5]);
        homes.remove(1);
        assert_eq!(homes.of(2), 2);
        assert_eq!(homes.of(6), 5);
    }
}
