//! What other threads and signal handlers may touch of a handle: the break flag and the descriptor that
//! wakes a sleeping reader; and how a delivery loop learns that its handle was closed under it.
//!
//! One word holds a generation and the flags, so that the loop compares once a packet.

use crate::sys::eventfd;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// The reader has been told to stop.
const BREAK: u64 = 1;
/// The bits of a word that are flags; above them is the generation.
const FLAGS: u64 = 0xff;
/// One generation.
const GENERATION: u64 = FLAGS + 1;

/// The word, and the wake-up call.
#[derive(Debug)]
pub struct Control {
    word: AtomicU64,
    wake: AtomicI32,
    /// How often a break has been asked for: for those who do not read, and leave the flag to who does.
    breaks: AtomicU32,
}

/// What the word is while nothing is asked of the reader; see [`Control::token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(u64);

/// What had been asked at some time; see [`Control::watch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    token: Token,
    breaks: u32,
}

/// Why a reader has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// `pcap_breakloop` was called.
    Break,
    /// The handle was closed, and may be another's by now.
    Closed,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            word: AtomicU64::new(GENERATION),
            wake: AtomicI32::new(-1),
            breaks: AtomicU32::new(0),
        }
    }
}

impl Control {
    /// Tells the reader to stop before its next packet. Async-signal-safe, and any thread may call it.
    /// QUIRK: where nobody reads, the next read is told.
    pub fn request_break(&self) {
        self.word.fetch_or(BREAK, Ordering::SeqCst);
        self.breaks.fetch_add(1, Ordering::SeqCst);
        let fd = self.wake.load(Ordering::SeqCst);
        if fd >= 0 {
            eventfd::signal(fd);
        }
    }

    /// What this handle's word is, for this life of it, when nothing is asked.
    pub fn token(&self) -> Token {
        Token(self.word.load(Ordering::Relaxed) & !FLAGS)
    }

    /// Whether the reader that holds `token` may go on.
    #[inline]
    pub fn undisturbed(&self, token: Token) -> bool {
        self.word.load(Ordering::Relaxed) == token.0
    }

    /// Why the reader that holds `token` may not go on.
    pub fn interrupt(&self, token: Token) -> Option<Interrupt> {
        let word = self.word.load(Ordering::SeqCst);
        if word & !FLAGS != token.0 {
            return Some(Interrupt::Closed);
        }
        (word & BREAK != 0).then_some(Interrupt::Break)
    }

    /// What was asked until now, for [`Control::asked_since`].
    pub fn watch(&self) -> Watch {
        Watch { token: self.token(), breaks: self.breaks.load(Ordering::SeqCst) }
    }

    /// Why somebody who does not read, and has kept `watch`, may not go on. A break stays for the reader.
    pub fn asked_since(&self, watch: Watch) -> Option<Interrupt> {
        if self.token() != watch.token {
            return Some(Interrupt::Closed);
        }
        (self.breaks.load(Ordering::SeqCst) != watch.breaks).then_some(Interrupt::Break)
    }

    /// Takes a break back, for it is told once. The wake-up call stays, and ends the next sleep at once: many a break
    /// is asked for where none follows, and taking the call back would cost as much as that.
    pub fn clear_break(&self) {
        self.word.fetch_and(!BREAK, Ordering::SeqCst);
    }

    /// Begins a life of the handle with nothing asked.
    pub fn revive(&self) {
        if self.word.load(Ordering::SeqCst) & FLAGS != 0 {
            self.word.fetch_and(!FLAGS, Ordering::SeqCst);
        }
    }

    /// Ends this life of the handle: every reader of it, also one that sleeps, finds [`Interrupt::Closed`].
    pub fn retire(&self) {
        let word = self.word.load(Ordering::SeqCst) & !FLAGS;
        self.word.store(word.wrapping_add(GENERATION), Ordering::Release);
        // Where there is nobody to wake, nobody sleeps.
        if self.wake_fd() >= 0 {
            let fd = self.wake.swap(-1, Ordering::SeqCst);
            if fd >= 0 {
                eventfd::signal(fd);
            }
        }
    }

    /// Has [`Control::request_break`] wake `fd` from now on, or nobody.
    pub fn set_wake(&self, fd: Option<&OwnedFd>) {
        self.wake.store(fd.map_or(-1, AsRawFd::as_raw_fd), Ordering::SeqCst);
    }

    /// The descriptor to wait on beside the source's, -1 for none.
    pub fn wake_fd(&self) -> RawFd {
        self.wake.load(Ordering::SeqCst)
    }

    /// Makes the descriptor quiet again.
    pub fn drain(&self) {
        let fd = self.wake_fd();
        if fd >= 0 {
            eventfd::drain(fd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_is_told_once() {
        let control = Control::default();
        let token = control.token();
        assert!(control.undisturbed(token));
        control.request_break();
        control.request_break();
        assert!(!control.undisturbed(token));
        assert_eq!(control.interrupt(token), Some(Interrupt::Break));
        control.clear_break();
        assert_eq!(control.interrupt(token), None);
        assert!(control.undisturbed(token));
    }

    #[test]
    fn a_break_wakes_the_descriptor_until_it_is_drained() {
        let control = Control::default();
        let wake = eventfd::create().unwrap();
        control.set_wake(Some(&wake));
        control.request_break();
        let mut fds = [crate::sys::poll::readable(control.wake_fd())];
        assert_eq!(crate::sys::poll::poll(&mut fds, 0), Ok(1));
        control.clear_break();
        control.drain();
        assert_eq!(crate::sys::poll::poll(&mut fds, 0), Ok(0));
    }

    #[test]
    fn a_break_is_told_to_those_who_do_not_read() {
        let control = Control::default();
        control.request_break();
        let watch = control.watch();
        assert_eq!(control.asked_since(watch), None, "it was asked before");
        control.request_break();
        assert_eq!(control.asked_since(watch), Some(Interrupt::Break));
        assert_eq!(control.interrupt(control.token()), Some(Interrupt::Break), "and stays");
        control.retire();
        assert_eq!(control.asked_since(watch), Some(Interrupt::Closed));
    }

    #[test]
    fn the_end_of_a_life_wakes_its_reader() {
        let control = Control::default();
        let wake = eventfd::create().unwrap();
        control.set_wake(Some(&wake));
        let mut fds = [crate::sys::poll::readable(control.wake_fd())];
        control.retire();
        assert_eq!(crate::sys::poll::poll(&mut fds, 0), Ok(1));
    }

    #[test]
    fn a_reader_of_an_earlier_life_finds_the_handle_closed() {
        let control = Control::default();
        let old = control.token();
        control.request_break();
        control.retire();
        control.revive();
        assert_eq!(control.interrupt(old), Some(Interrupt::Closed));
        assert!(control.undisturbed(control.token()));
    }
}
