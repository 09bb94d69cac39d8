//! What a handle says of itself in one number, as the functions of C that ask for it return it.
//!
//! The handle's state is the truth. What it says is written here where it changes, and read here by any thread and in
//! signal handlers, also while a read is under way.

use crate::error::Code;
use crate::filter::Source;
use std::sync::atomic::{AtomicI32, Ordering};

/// What may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The link type.
    Datalink,
    /// What else is in a savefile's link type word.
    DatalinkExt,
    /// Bytes that packets are cut to.
    Snapshot,
    /// Bytes of the largest packet that the buffers hold.
    BufferSize,
    /// Whether a savefile's byte order is foreign.
    Swapped,
    /// A savefile's major version.
    Major,
    /// A savefile's minor version.
    Minor,
    /// The unit of the time stamps. QUIRK: known before activation.
    Precision,
    /// The descriptor of a device. QUIRK: a savefile has none, though one to wait on.
    /// QUIRK: a dead handle's is 0.
    DeviceFd,
    /// The descriptor that becomes readable with packets.
    Fd,
    /// Whether the program has asked for one of these, to be woken by it; below 0 where there is none.
    Watched,
    /// Whether reads do not wait; below 0 where there is more to say.
    Nonblocking,
    /// The link type, where there is no other to choose; below 0 where there is more to say.
    OnlyDatalink,
    /// Which packets are let through; below 0 where there is more to say.
    Direction,
    /// For how many milliseconds at most to wait on the descriptor before reading anyway; 0 and below for as long as it
    /// takes.
    Timeout,
    /// Where packets come from, as a place in `SOURCES`; below 0 where there is no link type yet.
    Source,
}

/// Where they may come from.
const SOURCES: [Source; 5] = [
    Source::Dead,
    Source::Savefile { swapped: false },
    Source::Savefile { swapped: true },
    Source::Live { vlan: false },
    Source::Live { vlan: true },
];

/// Where in its life a handle is, as far as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Made for a device, and not activated.
    Created,
    /// Open, without packets.
    Dead,
    /// Open on a savefile.
    Savefile,
    /// Open on a device.
    Live,
    /// It does not tell: it is closed, or not to be trusted.
    Untold,
}

/// What the meaning of a filter depends on besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The link type.
    pub datalink: i32,
    /// The snapshot length.
    pub snapshot: i32,
    /// Where the packets come from.
    pub source: Source,
}

/// How many that are: the last one's number and one more.
const ALL: usize = What::Source as usize + 1;

/// The answers.
#[derive(Debug)]
pub struct Told([AtomicI32; ALL]);

impl Default for Told {
    fn default() -> Self {
        let told = Self([const { AtomicI32::new(0) }; ALL]);
        told.forget();
        told
    }
}

impl Told {
    /// The answer.
    #[inline]
    pub fn get(&self, what: What) -> i32 {
        self.0[what as usize].load(Ordering::Relaxed)
    }

    /// The descriptor `what`, for the program to be woken by.
    #[inline]
    pub fn watch(&self, what: What) -> i32 {
        self.set(What::Watched, 1);
        self.get(what)
    }

    /// Answers so from now on.
    #[inline]
    pub fn set(&self, what: What, answer: i32) {
        self.0[what as usize].store(answer, Ordering::Relaxed);
    }

    /// What filters depend on, if there is a link type by now. Those who compile may ask while another thread reads.
    pub fn facts(&self) -> Option<Facts> {
        let source = usize::try_from(self.get(What::Source)).ok()?;
        Some(Facts {
            datalink: self.get(What::Datalink),
            snapshot: self.get(What::Snapshot),
            source: *SOURCES.get(source)?,
        })
    }

    /// Where in its life the handle is.
    #[inline]
    pub fn stage(&self) -> Stage {
        match self.get(What::Source) {
            0 => Stage::Dead,
            1 | 2 => Stage::Savefile,
            3 | 4 => Stage::Live,
            _ if self.get(What::Precision) >= 0 => Stage::Created,
            _ => Stage::Untold,
        }
    }

    /// Whether it answers nothing, for it is not to be trusted: see [`Told::refuse`].
    #[inline]
    pub fn refuses(&self) -> bool {
        self.get(What::Source) == Code::Generic as i32
    }

    /// Whether packets come from anywhere.
    pub fn reads(&self) -> bool {
        self.get(What::Source) > 0
    }

    /// Tells them.
    pub fn set_facts(&self, facts: Facts) {
        self.set(What::Datalink, facts.datalink);
        self.set(What::OnlyDatalink, facts.datalink);
        self.set(What::Snapshot, facts.snapshot);
        if let Some(source) = (0..).zip(SOURCES).find(|(_, source)| *source == facts.source) {
            self.set(What::Source, source.0);
        }
    }

    /// Answers as a handle that is not active.
    pub fn forget(&self) {
        const FORGOTTEN: [Code; ALL] = {
            let mut all = [Code::NotActivated; ALL];
            all[What::DeviceFd as usize] = Code::Generic;
            all[What::Fd as usize] = Code::Generic;
            all
        };
        for (answer, code) in self.0.iter().zip(FORGOTTEN) {
            answer.store(code as i32, Ordering::Relaxed);
        }
    }

    /// Answers nothing any more, for the handle is not to be trusted.
    pub fn refuse(&self) {
        for answer in &self.0 {
            answer.store(Code::Generic as i32, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_an_error() {
        let told = Told::default();
        assert_eq!((told.get(What::Datalink), told.get(What::Fd)), (-3, -1));
        told.set(What::Datalink, 1);
        told.set(What::Fd, 7);
        assert_eq!((told.get(What::Datalink), told.get(What::Fd)), (1, 7));
        assert_eq!(told.get(What::Snapshot), -3);
        assert_eq!(told.facts(), None);
        assert_eq!(told.stage(), Stage::Untold);
        told.set(What::Precision, 0);
        assert_eq!(told.stage(), Stage::Created);
        for source in SOURCES {
            let facts = Facts { datalink: 1, snapshot: 2, source };
            told.set_facts(facts);
            assert_eq!(told.facts(), Some(facts));
            assert_eq!(told.reads(), source != Source::Dead);
            let stage = match source {
                Source::Dead => Stage::Dead,
                Source::Savefile { .. } => Stage::Savefile,
                Source::Live { .. } => Stage::Live,
            };
            assert_eq!(told.stage(), stage);
        }
        assert!(!told.refuses());
        told.refuse();
        assert!(told.refuses());
        assert_eq!((told.facts(), told.stage()), (None, Stage::Untold));
        assert_eq!((told.get(What::Datalink), told.get(What::Fd)), (-1, -1));
        told.forget();
        assert!(!told.refuses());
        assert_eq!((told.get(What::Datalink), told.get(What::Direction)), (-3, -3));
    }
}
