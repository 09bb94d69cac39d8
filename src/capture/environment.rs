//! `PCAP_LINUX_OPTIONS`: the options of packet sockets for programs that do not know them, as pcap-linux(3PCAP) tells
//! under ENVIRONMENT. What it says goes before what the program says, which cannot know better.
//!
//! A key is a row of [`KEYS`].

use super::fanout::{Chooser, FLAGS, Fanout, MODES, Mode};
use super::membership::{ALLMULTI, Membership};
use super::netns::Netns;
use super::ring::Version;
use super::tuning::TxRing;
use crate::error::{Error, Result};
use crate::handle::options::Options;
use crate::names::tstamp;
use crate::sys::{bpf, environment};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

/// What a key does with its value; `None` if that is not what it takes.
type Set = fn(&mut Options, &str) -> Option<()>;

/// A key, what it takes, and what that does. Those that others build on come first.
const KEYS: &[(&str, &str, Set)] = &[
    (
        "fanout",
        "MODE or MODE+FLAG..., modes hash, lb, cpu, rollover, rnd, qm, cbpf and ebpf, flags rollover, uniqueid, ignore_outgoing and defrag",
        fanout,
    ),
    ("fanout_program", "a filter expression, with fanout=cbpf or without", fanout_program),
    ("fanout_ebpf", "the path of a pinned program, with fanout=ebpf or without", fanout_ebpf),
    ("group", "0 to 65535, with fanout", group),
    ("buffer", SIZE, |o, v| put(&mut o.buffer_size, size(v).filter(|bytes| *bytes > 0))),
    ("timeout", "milliseconds", |o, v| put(&mut o.timeout_ms, number(v).map(u32::cast_signed))),
    ("immediate", SWITCH, |o, v| put(&mut o.immediate, switch(v))),
    ("tstamp", "host, adapter or adapter_unsynced", |o, v| put(&mut o.tstamp_type, tstamp_type(v))),
    ("ring", "1, 2 or 3", |o, v| put(&mut o.tuning.ring.version, version(v).map(Some))),
    ("block_size", SIZE, |o, v| put(&mut o.tuning.ring.block_size, size(v))),
    ("frame_size", SIZE, |o, v| put(&mut o.tuning.ring.frame_size, size(v))),
    ("block_timeout", "milliseconds", |o, v| {
        put(&mut o.tuning.ring.block_timeout_ms, number(v).map(Some))
    }),
    ("rxhash", SWITCH, |o, v| put(&mut o.tuning.ring.rxhash, switch(v))),
    ("ignore_outgoing", SWITCH, |o, v| put(&mut o.tuning.ignore_outgoing, switch(v))),
    ("allmulti", SWITCH, |o, v| {
        if switch(v)? {
            o.tuning.memberships.push(ALLMULTI);
        }
        Some(())
    }),
    ("multicast", "addresses such as 01:00:5e:00:00:05, joined by +", multicast),
    ("busy_poll", "microseconds", |o, v| put(&mut o.tuning.busy_poll_us, number(v))),
    ("netns", "a path", |o, v| put(&mut o.tuning.netns, netns(v).map(Some))),
    ("tx_ring", SIZE, |o, v| put(&mut o.tuning.tx_ring, tx_ring(v).map(Some))),
    ("loss", "1 or 0, with tx_ring", |o, v| put(&mut o.tuning.tx_ring.as_mut()?.loss, switch(v))),
    ("copy", "1 or 0, with tx_ring", |o, v| put(&mut o.tuning.tx_ring.as_mut()?.copy, switch(v))),
    ("xdp", "1 or 0, with tx_ring", |o, v| put(&mut o.tuning.tx_ring.as_mut()?.xdp, switch(v))),
    ("qdisc_bypass", SWITCH, |o, v| put(&mut o.tuning.qdisc_bypass, switch(v))),
];

/// What a key takes that is on or off.
const SWITCH: &str = "1 or 0";
/// What a key takes that is a size.
const SIZE: &str = "bytes, or with k, M or G behind";

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

/// Has the environment change the options of a handle that is being activated, once.
pub(super) fn apply(options: &mut Options) -> Result<()> {
    if options.tuning.environment_heard {
        return Ok(());
    }
    if let Some(text) = environment::secure(c"PCAP_LINUX_OPTIONS") {
        let Some(text) = text.to_str() else { return Err(wrong("it is not UTF-8")) };
        read(text, options)?;
    }
    options.tuning.environment_heard = true;
    Ok(())
}

fn wrong(what: impl AsRef<str>) -> Error {
    Error::new(format!("PCAP_LINUX_OPTIONS: {}", what.as_ref()))
}

fn read(text: &str, options: &mut Options) -> Result<()> {
    let items = || text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let split = |item| -> (&str, &str) { str::split_once(item, '=').unwrap_or((item, "")) };
    for (key, _) in items().map(split) {
        if KEYS.iter().all(|(known, ..)| *known != key) {
            let known: Vec<&str> = KEYS.iter().map(|(known, ..)| *known).collect();
            return Err(wrong(format!("unknown key \"{key}\", keys: {}", known.join(" "))));
        }
    }
    for (key, expected, set) in KEYS {
        for (_, value) in items().map(split).filter(|(found, _)| found == key) {
            if set(options, value).is_none() {
                let what = format!("bad value \"{value}\" of key \"{key}\": expected {expected}");
                return Err(wrong(what));
            }
        }
    }
    Ok(())
}

/// A number of 31 bits, as the functions take them.
fn number(value: &str) -> Option<u32> {
    let digits = !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit());
    let number: u32 = digits.then(|| value.parse().ok())??;
    (number <= i32::MAX.unsigned_abs()).then_some(number)
}

/// The same, which may be of KiB, MiB or GiB.
fn size(value: &str) -> Option<u32> {
    let units = [("k", 10), ("K", 10), ("m", 20), ("M", 20), ("g", 30), ("G", 30)];
    let unit = units.iter().find_map(|(unit, bits)| Some((value.strip_suffix(unit)?, *bits)));
    let (digits, bits) = unit.unwrap_or((value, 0));
    let bytes = u64::from(number(digits)?) << bits;
    u32::try_from(bytes).ok().filter(|bytes| *bytes <= i32::MAX.unsigned_abs())
}

/// On or off; on if it says nothing.
fn switch(value: &str) -> Option<bool> {
    match value {
        "" | "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn path(value: &str) -> Option<&OsStr> {
    (!value.is_empty()).then(|| OsStr::from_bytes(value.as_bytes()))
}

/// The groups to be in, beside those that the program is in.
fn multicast(options: &mut Options, value: &str) -> Option<()> {
    for address in value.split('+') {
        let byte = |text: &str| u8::from_str_radix(text, 16).ok().filter(|_| text.len() == 2);
        let bytes: Option<Vec<u8>> = address.split(':').map(byte).collect();
        let group = Membership::new(libc::PACKET_MR_MULTICAST, &bytes?).ok()?;
        options.tuning.memberships.push(group);
    }
    Some(())
}

fn version(value: &str) -> Option<Version> {
    Version::by_number(number(value)?.cast_signed())
}

fn netns(value: &str) -> Option<Netns> {
    path(value).map(|path| Netns::Path(path.to_owned()))
}

/// What else can be asked of it has keys of its own.
fn tx_ring(value: &str) -> Option<TxRing> {
    let bytes = size(value).filter(|bytes| *bytes > 0)?;
    Some(TxRing { bytes, loss: false, copy: false, xdp: false })
}

/// What the device has not got is a warning of the activation.
fn tstamp_type(value: &str) -> Option<i32> {
    let kinds = [tstamp::HOST, tstamp::ADAPTER, tstamp::ADAPTER_UNSYNCED];
    tstamp::by_name(value.as_bytes()).map(|kind| kind.value).filter(|kind| kinds.contains(kind))
}

fn fanout(options: &mut Options, value: &str) -> Option<()> {
    let mut words = value.split('+');
    let mode = words.next()?;
    let (_, mode) = MODES.iter().find(|(name, _)| *name == mode)?;
    let flag = |word| FLAGS.iter().find(|(name, _)| *name == word).map(|(_, flag)| *flag);
    let flags = words.try_fold(0, |flags, word| Some(flags | flag(word)?))?;
    options.tuning.set_fanout(*mode as i32, flags.into(), -1).ok()
}

fn group(options: &mut Options, value: &str) -> Option<()> {
    let Fanout { mode, flags, .. } = *options.tuning.fanout.as_ref()?;
    let group = u16::try_from(number(value)?).ok()?;
    options.tuning.set_fanout(mode as i32, flags.into(), group.into()).ok()
}

/// The fanout group of this mode, a new one if there is none.
fn of_mode(options: &mut Options, mode: Mode) -> Option<&mut Fanout> {
    let new = || Fanout { mode, flags: 0, group: None, program: None };
    let fanout = options.tuning.fanout.get_or_insert_with(new);
    (fanout.mode == mode).then_some(fanout)
}

fn fanout_program(options: &mut Options, value: &str) -> Option<()> {
    of_mode(options, Mode::Cbpf)?.program = None;
    options.tuning.fanout_expression = Some(value.to_owned());
    Some(())
}

fn fanout_ebpf(options: &mut Options, value: &str) -> Option<()> {
    let program = bpf::pinned(path(value)?).ok()?;
    of_mode(options, Mode::Ebpf)?.program = Some(Chooser::Extended(Arc::new(program)));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::fanout;

    fn reads(text: &str) -> Result<Options> {
        let mut options = Options::new("x".into(), Vec::new());
        read(text, &mut options).map(|()| options)
    }

    fn complaint(text: &str) -> String {
        reads(text).expect_err(text).text().to_owned()
    }

    #[test]
    fn keys_come_in_any_order() {
        for text in ["fanout=hash+defrag,group=7", " group=7 , fanout=hash+defrag ,"] {
            let fanout = reads(text).expect(text).tuning.fanout.expect(text);
            let got = (fanout.mode, fanout.flags, fanout.group);
            assert_eq!(got, (Mode::Hash, fanout::DEFRAG, Some(7)));
        }
        let ring = reads("loss,tx_ring=1M").expect("both").tuning.tx_ring;
        assert_eq!(ring, Some(TxRing { bytes: 1 << 20, loss: true, copy: false, xdp: false }));
        assert!(reads("").is_ok());
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(number("2147483647"), Some(0x7fff_ffff));
        for bad in ["", "-1", "+1", "0x10", "2147483648", "99999999999999999999", "1 ", "\u{661}"] {
            assert_eq!((number(bad), size(bad)), (None, None), "{bad}");
        }
        let sizes = [("0", 0), ("12", 12), ("3k", 3072), ("1G", 1 << 30), ("5M", 5 << 20)];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Some(bytes));
        }
        assert_eq!((size("2G"), size("k"), size("1kk"), size("1T")), (None, None, None, None));
    }

    #[test]
    fn each_key_says_what_it_takes() {
        let open = ["fanout_program", "netns"];
        for (key, expected, _) in KEYS.iter().filter(|(key, ..)| !open.contains(key)) {
            let text = complaint(&format!("{key}=bad value"));
            let most = crate::ffi::types::PCAP_ERRBUF_SIZE;
            assert!(text.len() < most, "{text}");
            let rest = format!("bad value \"bad value\" of key \"{key}\": expected {expected}");
            assert_eq!(text, format!("PCAP_LINUX_OPTIONS: {rest}"));
        }
        let unknown = complaint("fanuot=hash");
        assert!(unknown.starts_with(
            "PCAP_LINUX_OPTIONS: unknown key \"fanuot\", keys: fanout fanout_program "
        ));
        assert!(unknown.len() < crate::ffi::types::PCAP_ERRBUF_SIZE, "{unknown}");
        assert!(unknown.ends_with(KEYS.last().expect("keys").0), "{unknown}");
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for bad in [
            "group=7",
            "loss",
            "fanout=rollover+rollover",
            "fanout=hash+",
            "fanout=hash+uniqueid,group=3",
            "fanout=hash,group=65536",
            "fanout=hash,fanout_program=tcp",
            "rxhash=yes",
            "=1",
            "buffer=0",
            "ring=0",
            "ring",
        ] {
            complaint(bad);
        }
    }
}
