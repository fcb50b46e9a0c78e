//! Random numbers that are the same on every machine and with every version of every crate.
//!
//! The standard generator of the `rand` crate may change its numbers from one version to the next, which would
//! change every generated file. `SplitMix64` is a dozen lines, passes the usual statistical
//! suites, and can be started anywhere: record 12,345 is made without making those before it.

/// The constant that separates the streams of different kinds of record.
const STREAM: u64 = 0xD1B5_4A32_D192_ED03;
/// The increment of `SplitMix64`.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A `SplitMix64` generator.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The generator of one record: `stream` is its kind, `index` its number.
    pub(crate) const fn of(seed: u64, stream: u64, index: u64) -> Self {
        let start = mix(seed ^ mix(stream.wrapping_mul(STREAM)));
        Self { state: mix(start ^ mix(index.wrapping_mul(GAMMA))) }
    }

    /// The next 64 bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// A number from 0 to `limit` - 1; 0 where `limit` is 0.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        // The high half of the product; the bias of at most `limit` in 2^64 does not matter here.
        ((self.bits() as u128 * limit as u128) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A number from 0 to `limit` - 1. Low ones are more frequent, as a few records of a directory are referred to
    /// often, and most of them rarely.
    pub(crate) const fn skewed(&mut self, limit: u64) -> u64 {
        let reach = if self.percent(40) { self.below(limit) + 1 } else { limit };
        self.below(reach)
    }

    /// True in `share` of 100 cases.
    pub(crate) const fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// A number from -1 to 1 that is more often near 0 than far from it.
    pub(crate) fn around_zero(&mut self) -> f64 {
        let mut sum = 0.0;
        for _ in 0..3 {
            // 0 to 65,535: exact in any float.
            let part = u16::try_from(self.below(1 << 16)).unwrap_or(u16::MAX);
            sum += f64::from(part) / f64::from(u16::MAX);
        }
        sum / 1.5 - 1.0
    }

    /// An index into a list of `length` entries; 0 where it is empty.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        // Below `length`, so it is a usize.
        usize::try_from(self.below(limit)).unwrap_or(0)
    }

    /// One of the entries.
    ///
    /// # Panics
    /// Panics where `from` is empty. All lists are part of this crate.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// One of the words.
    ///
    /// # Panics
    /// Panics where `from` is empty.
    pub(crate) fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.index(from.len())]
    }

    /// One of the entries, in proportion to its weight.
    ///
    /// # Panics
    /// Panics where `from` is empty.
    pub(crate) fn weighted<'a, T>(&mut self, from: &'a [T], weight: impl Fn(&T) -> u64) -> &'a T {
        let mut left = self.below(from.iter().map(&weight).sum());
        for entry in from {
            let share = weight(entry);
            if left < share {
                return entry;
            }
            left -= share;
        }
        &from[0]
    }
}

/// The output function of `SplitMix64`.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Returns the number at place `index` of a permutation of 0 to `length` - 1, without a table.
pub(crate) fn scattered(index: u64, length: u64) -> u64 {
    if length < 2 {
        return 0;
    }
    // Steps of about 0.618 of the length spread well; any step without a common divisor is a permutation.
    let mut step = length / 1000 * 618 + length % 1000 * 618 / 1000 + 1;
    while divisor(step, length) != 1 {
        step += 1;
    }
    let place = u128::from(index) * u128::from(step) % u128::from(length);
    // Below `length`, so it is a u64.
    u64::try_from(place).unwrap_or(0)
}

/// The greatest common divisor.
const fn divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first numbers of `SplitMix64` started at 1234567.
    #[test]
    fn is_the_published_generator() {
        let mut random = Random { state: 1_234_567 };
        assert_eq!([random.bits(), random.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn scatters_every_number_once() {
        for length in [1, 2, 7, 10, 999, 1000] {
            let mut seen: Vec<u64> = (0..length).map(|index| scattered(index, length)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn stays_below_its_limit() {
        let mut random = Random::of(1, 2, 3);
        assert!((0..10_000).all(|_| random.skewed(7) < 7 && random.around_zero().abs() <= 1.0));
        assert_eq!(random.below(0), 0);
    }
}
