//! What can go wrong, as libpcap tells it: a status code of pcap(3PCAP) and a text.
//!
//! Texts are built where the failure is known, in libpcap's words: programs print and match them.

use crate::inline::{Inline, table};
use crate::sys::Errno;
use std::borrow::Cow;

/// A `PCAP_ERROR_*` code of `pcap/pcap.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    /// Generic error; the text says what.
    Generic = -1,
    /// The loop was ended by `pcap_breakloop`.
    Break = -2,
    /// The handle has not been activated.
    NotActivated = -3,
    /// The handle is active already.
    Activated = -4,
    /// There is no such device.
    NoSuchDevice = -5,
    /// The device has no monitor mode.
    RfmonNotSup = -6,
    /// The operation needs monitor mode.
    NotRfmon = -7,
    /// No permission to open the device.
    PermDenied = -8,
    /// The device is not up.
    IfaceNotUp = -9,
    /// The device cannot set this time stamp type.
    CantSetTstampType = -10,
    /// No permission for promiscuous mode.
    PromiscPermDenied = -11,
    /// The device cannot deliver this time stamp precision.
    TstampPrecisionNotSup = -12,
    /// The device cannot be captured on.
    CaptureNotSup = -13,
}

/// A `PCAP_WARNING_*` code: the call worked, but not wholly as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum WarnCode {
    /// Generic warning; the text says what.
    Generic = 1,
    /// The device has no promiscuous mode.
    PromiscNotSup = 2,
    /// The device has not that type of time stamp.
    TstampTypeNotSup = 3,
}

/// A failure. Two words, so that what does not fail returns in registers.
#[derive(Clone, Debug)]
pub enum Error {
    /// A code, which says all.
    Bare(Code),
    /// What is the same whenever it fails.
    Known(&'static Known),
    /// A text of its own.
    Made(Box<Failure>),
}

/// A failure that is told often: it takes no memory, and is told by copying it. Without relocations, as [`Inline`] is.
#[derive(Debug)]
pub struct Known {
    /// The status that the C function returns.
    code: Code,
    /// What `pcap_geterr` says.
    text: KnownText,
}

/// Room for the longest of those texts.
pub type KnownText = Inline<79>;

/// What failed: a code and a text.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The status that the C function returns.
    code: Code,
    /// What `pcap_geterr` says.
    text: Cow<'static, str>,
    /// Whether a bug of ours was caught, after which the handle is not to be trusted.
    panicked: bool,
}

impl Known {
    /// `code` with `text`.
    #[must_use]
    pub const fn with_code(code: Code, text: &str) -> Self {
        Self { code, text: Inline::new(text) }
    }

    /// `PCAP_ERROR` with `text`.
    #[must_use]
    pub const fn new(text: &str) -> Self {
        Self::with_code(Code::Generic, text)
    }

    /// The status that the C function returns.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What `pcap_geterr` says.
    #[must_use]
    pub fn text(&self) -> &KnownText {
        &self.text
    }
}

/// A warning: its code and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The status that the C function returns.
    pub code: WarnCode,
    /// What `pcap_geterr` says.
    pub text: String,
}

/// The result of everything that can fail in libpcap's words.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `PCAP_ERROR` with `text`.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_code(Code::Generic, text)
    }

    /// `code` with `text`.
    pub fn with_code(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self::Made(Box::new(Failure { code, text: text.into(), panicked: false }))
    }

    /// A panic that was caught.
    pub fn panicked(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Made(Box::new(Failure { code: Code::Generic, text: text.into(), panicked: true }))
    }

    /// `code` alone: the reader is told what [`status_text`] says of it.
    pub fn bare(code: Code) -> Self {
        Self::Bare(code)
    }

    /// The status that the C function returns.
    pub fn code(&self) -> Code {
        match self {
            Self::Bare(code) => *code,
            Self::Known(known) => known.code,
            Self::Made(made) => made.code,
        }
    }

    /// What `pcap_geterr` says; nothing where the code says all.
    pub fn text(&self) -> &str {
        match self {
            Self::Bare(_) => "",
            Self::Known(known) => known.text.as_str(),
            Self::Made(made) => &made.text,
        }
    }

    /// Whether a bug of ours was caught, after which the handle is not to be trusted.
    pub fn has_panicked(&self) -> bool {
        matches!(self, Self::Made(made) if made.panicked)
    }

    /// `PCAP_ERROR` with `what: strerror(errno)`, as libpcap words a failed system call.
    pub fn errno(what: impl AsRef<str>, errno: Errno) -> Self {
        let what = what.as_ref();
        errno.with_text(|why| Self::new([what, ": ", why].concat()))
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let told = |error: &Self| (error.code(), error.has_panicked());
        told(self) == told(other) && self.text() == other.text()
    }
}

impl Eq for Error {}

/// A text of `pcap_statustostr(3PCAP)`.
pub type StatusText = Inline<76>;

/// The text of every code that has one.
static STATUS_TEXTS: [(StatusText, i32); 16] = table([
    ("Generic warning", 1),
    ("That device doesn't support promiscuous mode", 2),
    ("That type of time stamp is not supported by that device", 3),
    ("Generic error", -1),
    ("Loop terminated by pcap_breakloop", -2),
    ("The pcap_t has not been activated", -3),
    ("The setting can't be changed after the pcap_t is activated", -4),
    ("No such device exists", -5),
    ("That device doesn't support monitor mode", -6),
    ("That operation is supported only in monitor mode", -7),
    ("You don't have permission to perform this capture on that device", -8),
    ("That device is not up", -9),
    ("That device doesn't support setting the time stamp type", -10),
    ("You don't have permission to capture in promiscuous mode on that device", -11),
    ("That device doesn't support that time stamp precision", -12),
    ("Packet capture is not supported on that device", -13),
]);

/// What `pcap_statustostr` says of a status that has a text.
pub fn status_text(status: i32) -> Option<&'static StatusText> {
    STATUS_TEXTS.iter().find(|(_, s)| *s == status).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_text() {
        for status in (-13..=-1).chain(1..=3) {
            assert!(status_text(status).is_some(), "{status}");
        }
        assert_eq!(status_text(0), None);
        assert_eq!(status_text(-14), None);
        assert_eq!(
            status_text(Code::NoSuchDevice as i32).map(StatusText::as_str),
            Some("No such device exists")
        );
    }
}
