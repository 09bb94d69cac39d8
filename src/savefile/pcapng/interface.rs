//! Interfaces, as their description blocks tell them, and the time that their time stamps mean.

use super::block::{Order, too_short};
use super::kind;
use crate::error::{Error, Result};
use crate::savefile::snapshot;

/// Bytes of a description before its options: the link type, nothing, the snapshot length.
const FIXED: usize = 8;

/// Options of an interface description.
mod option {
    pub const END: u16 = 0;
    pub const TSRESOL: u16 = 9;
    pub const TSOFFSET: u16 = 14;
}

/// What an interface's description says, in its own words, but for the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description<'b> {
    /// The `LINKTYPE_*` number.
    pub link: u16,
    snaplen: u32,
    options: &'b [u8],
}

/// What is known of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// What its time stamps mean.
    pub clock: Clock,
    /// Bytes that its packets were cut to; above 0.
    pub snapshot: u32,
}

impl<'b> Description<'b> {
    /// What is in the frame of a description.
    pub fn read(order: Order, body: &'b [u8]) -> Result<Self> {
        let (fixed, options) =
            body.split_first_chunk::<FIXED>().ok_or_else(|| too_short(kind::INTERFACE))?;
        Ok(Self { link: order.half(fixed, 0), snaplen: order.word(fixed, 1), options })
    }

    /// The interface, whose link type is `datalink`, for a handle whose time stamps are in nanoseconds if `nano`.
    pub fn interface(&self, order: Order, datalink: i32, nano: bool) -> Result<Interface> {
        let (resolution, offset) = times(order, self.options)?;
        let clock = Clock::new(resolution.unwrap_or(Resolution::Decimal(6)), offset, nano);
        let snapshot = snapshot(datalink, self.snaplen).cast_unsigned();
        Ok(Interface { clock, snapshot })
    }
}

/// The options that tell of time: the resolution, if it is told, and what to add to seconds.
fn times(order: Order, options: &[u8]) -> Result<(Option<Resolution>, i64)> {
    let (mut resolution, mut offset) = (None, None);
    let short = || too_short(kind::INTERFACE);
    let mut rest = options;
    while !rest.is_empty() {
        let (header, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (code, len) = (order.half(header, 0), order.half(header, 1));
        let padded = usize::from(len).next_multiple_of(4);
        let (value, after) = after.split_at_checked(padded).ok_or_else(short)?;
        rest = after;
        match code {
            option::END if len != 0 => {
                return Err(description(format!("opt_endofopt option with length {len} != 0")));
            }
            option::END => break,
            option::TSRESOL => {
                let [value] = only(value, len, "if_tsresol", resolution.is_some())?;
                resolution = Some(Resolution::new(value)?);
            }
            option::TSOFFSET => {
                let value = only(value, len, "if_tsoffset", offset.is_some())?;
                offset = Some(order.long(value).cast_signed());
            }
            _ => {}
        }
    }
    Ok((resolution, offset.unwrap_or(0)))
}

/// The value of an option that has `N` bytes and must not come `again`.
fn only<const N: usize>(value: &[u8], len: u16, name: &str, again: bool) -> Result<[u8; N]> {
    match value.first_chunk() {
        Some(value) if usize::from(len) == N => {
            if again {
                return Err(description(format!("more than one {name} option")));
            }
            Ok(*value)
        }
        _ => Err(description(format!("{name} option with length {len} != {N}"))),
    }
}

fn description(has: String) -> Error {
    Error::new(format!("Interface Description Block has {has}"))
}

/// The unit of time stamps, as a negative power of ten or of two, of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Up to 19.
    Decimal(u8),
    /// Up to 63.
    Binary(u8),
}

impl Resolution {
    fn new(value: u8) -> Result<Self> {
        let too_high = |base: u8, power: u8| {
            Error::new(format!(
                "Interface Description Block if_tsresol option resolution {base}^-{power} is too high"
            ))
        };
        match (value & 0x80 != 0, value & 0x7f) {
            (false, power @ ..=19) => Ok(Self::Decimal(power)),
            (false, power) => Err(too_high(10, power)),
            (true, power @ ..=63) => Ok(Self::Binary(power)),
            (true, power) => Err(too_high(2, power)),
        }
    }

    /// How many units a second has.
    fn second(self) -> u64 {
        match self {
            Self::Decimal(power) => 10_u64.pow(power.into()),
            Self::Binary(power) => 1 << power,
        }
    }
}

/// What time stamps mean: divided by the units of a second, they are seconds and a fraction. Packets come many a
/// second, so that dividing them is hardly ever needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The first time stamp of a second, and which that is.
    begin: u64,
    seconds: i64,
    /// Time stamps of a second whose fraction becomes the handle's by `(fraction * mul) >> shift`: all or none.
    simple: u64,
    mul: u32,
    shift: u8,
    resolution: Resolution,
    nano: bool,
    /// Seconds to add.
    offset: i64,
}

impl Clock {
    /// Time stamps of this `resolution`, for a handle whose own are in nanoseconds if `nano`.
    pub fn new(resolution: Resolution, offset: i64, nano: bool) -> Self {
        let (digits, wanted) = if nano { (9, NANO) } else { (6, MICRO) };
        let second = resolution.second();
        let (simple, mul, shift) = match resolution {
            Resolution::Decimal(power) if power <= digits => {
                (second, u64::from(wanted) / second, 0)
            }
            // With b bits of the divisor, `2^(20 + 2b)` is more than fractions can bring the error to, and the
            // product stays below 2^64, for microseconds of up to nanoseconds.
            Resolution::Decimal(power) if power <= 9 => {
                let divisor = second / u64::from(wanted);
                let shift = 20 + 2 * (divisor.ilog2() as u8 + 1);
                (second, (1_u64 << shift).div_ceil(divisor), shift)
            }
            Resolution::Binary(power) if u32::from(power) < wanted.leading_zeros() + 32 => {
                (second, wanted.into(), power)
            }
            _ => (0, 0, 0),
        };
        let mul = u32::try_from(mul).unwrap_or(0);
        Self { begin: 0, seconds: offset, simple, mul, shift, resolution, nano, offset }
    }

    /// The time that a time stamp means. QUIRK: seconds wrap around, as libpcap's do.
    #[inline(always)]
    pub fn time(&mut self, stamp: u64) -> libc::timeval {
        let fraction = stamp.wrapping_sub(self.begin);
        if fraction >= self.simple {
            return self.divide(stamp);
        }
        let scaled = fraction.wrapping_mul(self.mul.into()).wrapping_shr(self.shift.into());
        libc::timeval { tv_sec: self.seconds as libc::time_t, tv_usec: scaled as libc::suseconds_t }
    }

    #[cold]
    #[inline(never)]
    fn divide(&mut self, stamp: u64) -> libc::timeval {
        let second = self.resolution.second();
        let fraction = stamp % second;
        let begin = stamp.wrapping_sub(fraction);
        let seconds = (stamp / second).cast_signed().wrapping_add(self.offset);
        // The last second there is ends early.
        if begin.checked_add(second).is_some() {
            (self.begin, self.seconds) = (begin, seconds);
        }
        let wanted = if self.nano { NANO } else { MICRO };
        let scaled = u128::from(fraction).wrapping_mul(wanted.into()) / u128::from(second);
        libc::timeval { tv_sec: seconds as libc::time_t, tv_usec: scaled as libc::suseconds_t }
    }
}

/// The handle's units of a second.
const MICRO: u32 = 1_000_000;
const NANO: u32 = 1_000_000_000;
