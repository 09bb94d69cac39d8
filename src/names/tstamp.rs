//! The kinds of time stamps of pcap-tstamp(7): numbers, names, descriptions. Which of them an
//! interface has is for the capture to find out.

use crate::inline::Inline;

/// One kind of time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TstampType {
    /// Its `PCAP_TSTAMP_*` number.
    pub value: i32,
    /// Its name.
    pub name: Inline<24>,
    /// A description for people.
    pub description: Inline<56>,
}

/// The host gives the time stamp, of unknown precision.
pub const HOST: i32 = 0;
/// The host, cheap and of low precision.
pub const HOST_LOWPREC: i32 = 1;
/// The host, of high precision.
pub const HOST_HIPREC: i32 = 2;
/// The adapter, in step with the host's clock.
pub const ADAPTER: i32 = 3;
/// The adapter, by a clock of its own.
pub const ADAPTER_UNSYNCED: i32 = 4;
/// The host, of high precision, by a clock of its own.
pub const HOST_HIPREC_UNSYNCED: i32 = 5;

const fn kind(value: i32, name: &str, description: &str) -> TstampType {
    TstampType { value, name: Inline::new(name), description: Inline::new(description) }
}

/// Every kind, by number.
pub const ALL: &[TstampType] = &[
    kind(HOST, "host", "Host"),
    kind(HOST_LOWPREC, "host_lowprec", "Host, low precision"),
    kind(HOST_HIPREC, "host_hiprec", "Host, high precision"),
    kind(ADAPTER, "adapter", "Adapter"),
    kind(ADAPTER_UNSYNCED, "adapter_unsynced", "Adapter, not synced with system time"),
    kind(
        HOST_HIPREC_UNSYNCED,
        "host_hiprec_unsynced",
        "Host, high precision, not synced with system time",
    ),
];

/// The kind with this `PCAP_TSTAMP_*` number.
#[must_use]
pub fn by_value(value: i32) -> Option<&'static TstampType> {
    ALL.iter().find(|kind| kind.value == value)
}

/// The kind of this name, in any case of letters.
#[must_use]
pub fn by_name(name: &[u8]) -> Option<&'static TstampType> {
    ALL.iter().find(|kind| kind.name.as_bytes().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_number_and_name() {
        for (value, kind) in (0..).zip(ALL) {
            assert_eq!(kind.value, value);
            assert_eq!(by_value(value), Some(kind));
            assert_eq!(by_name(kind.name.as_str().to_uppercase().as_bytes()), Some(kind));
        }
        assert_eq!((by_value(-1), by_value(6)), (None, None));
        assert_eq!((by_name(b""), by_name(b"hos")), (None, None));
    }

    #[test]
    fn programs_print_these() {
        let described = |name: &str| {
            by_name(name.as_bytes()).map(|kind| (kind.value, kind.description.as_c_str()))
        };
        assert_eq!(described("host_lowprec"), Some((1, c"Host, low precision")));
        assert_eq!(
            described("adapter_unsynced"),
            Some((4, c"Adapter, not synced with system time"))
        );
        assert_eq!(described("Host_HiPrec_Unsynced").map(|(value, _)| value), Some(5));
    }
}
