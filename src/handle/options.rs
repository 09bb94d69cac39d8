//! What a program may ask for before it activates a handle: pcap_create(3PCAP) and the pcap_set functions.

use crate::capture::{self, netns::Netns, tuning::Tuning};
use crate::error::{Code, WarnCode};
use std::ffi::OsString;

/// Time stamps in microseconds.
pub const PRECISION_MICRO: i32 = 0;
/// Time stamps in nanoseconds.
pub const PRECISION_NANO: i32 = 1;
/// `PCAP_TSTAMP_HOST`: stamped by the host, in whatever way is usual.
pub const TSTAMP_HOST: i32 = 0;

/// The options of a handle that is not active.
#[derive(Clone, Debug)]
pub struct Options {
    /// The device's name.
    pub device: OsString,
    /// Bytes of each packet wanted; 0 and nonsense mean the most there is.
    pub snaplen: i32,
    /// Promiscuous mode.
    pub promiscuous: bool,
    /// Monitor mode.
    pub rfmon: bool,
    /// How long packets may be held back to be delivered together, in milliseconds; 0: until a buffer fills.
    pub timeout_ms: i32,
    /// Bytes of kernel buffer; 0: the default.
    pub buffer_size: u32,
    /// Deliver each packet at once.
    pub immediate: bool,
    /// Never wait in a read.
    pub nonblocking: bool,
    /// A `PCAP_TSTAMP_*` type.
    pub tstamp_type: i32,
    /// [`PRECISION_MICRO`] or [`PRECISION_NANO`].
    pub precision: i32,
    /// The only `ETH_P_*` to receive, 0 for all.
    pub protocol: u16,
    /// The time stamp types that the device offers; none means the host's only.
    pub tstamp_types: Vec<i32>,
    /// What only packet sockets have.
    pub tuning: Tuning,
}

impl Options {
    /// The defaults for `device`.
    pub fn new(device: OsString, tstamp_types: Vec<i32>) -> Self {
        Self {
            device,
            snaplen: 0,
            promiscuous: false,
            rfmon: false,
            timeout_ms: 0,
            buffer_size: 0,
            immediate: false,
            nonblocking: false,
            tstamp_type: TSTAMP_HOST,
            precision: PRECISION_MICRO,
            protocol: 0,
            tstamp_types,
            tuning: Tuning::default(),
        }
    }

    /// As pcap_set_buffer_size(3PCAP). QUIRK: a size that is not positive is ignored without an error.
    pub fn set_buffer_size(&mut self, bytes: i32) {
        if let Ok(bytes @ 1..) = u32::try_from(bytes) {
            self.buffer_size = bytes;
        }
    }

    /// As pcap_set_tstamp_type(3PCAP). QUIRK: a type that the device lacks is a warning and changes nothing.
    #[allow(clippy::manual_contains, reason = "contains() is made for long lists")]
    pub fn set_tstamp_type(&mut self, tstamp_type: i32) -> Option<WarnCode> {
        let types = &self.tstamp_types;
        let the_host = types.is_empty() && tstamp_type == TSTAMP_HOST;
        if !the_host && !types.iter().any(|offered| *offered == tstamp_type) {
            return Some(WarnCode::TstampTypeNotSup);
        }
        self.tstamp_type = tstamp_type;
        None
    }

    /// The network namespace to capture in, of which the types of time stamps are then known. What is wrong with it
    /// shows when the handle is activated.
    pub fn set_netns(&mut self, netns: Option<Netns>) {
        let types = || capture::tstamp_types(&self.device);
        let offered = netns.as_ref().map_or_else(types, |netns| netns.run(types)?);
        self.tstamp_types = offered.unwrap_or_default();
        self.tuning.netns = netns;
    }

    /// As pcap_set_tstamp_precision(3PCAP).
    pub fn set_precision(&mut self, precision: i32) -> Option<Code> {
        if precision != PRECISION_MICRO && precision != PRECISION_NANO {
            return Some(Code::TstampPrecisionNotSup);
        }
        self.precision = precision;
        None
    }
}
