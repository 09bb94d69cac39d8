//! Where a handle's life begins and ends: made for a device, activated, opened on a savefile or on nothing, closed.

use super::options::Options;
use super::told::{Facts, What};
use super::{ACTIVATED, Handle, Live, State};
use crate::capture::{self, Direction, Source};
use crate::error::{Code, Error, Result, Warning};
use crate::filter;
use crate::savefile::{About, Savefile};
use crate::sys::lock::write_within;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

/// For how many nanoseconds another thread may be about to take a handle's port.
const PORT_PATIENCE: u64 = 20_000_000;

/// A device that is open, for a handle to be activated with.
pub struct Opened {
    options: Options,
    source: Box<dyn Source>,
    wake: OwnedFd,
    warning: Option<Warning>,
}

impl Opened {
    /// Opens the device; options that cannot be had as asked are changed to what is.
    fn open(options: &mut Options) -> Result<Self> {
        let wake = capture::wake()?;
        let (mut source, warning) = capture::open(options)?;
        if options.nonblocking {
            source.set_nonblocking(true)?;
        }
        Ok(Self { options: options.clone(), source, wake, warning })
    }
}

/// What a handle without packets knows.
#[derive(Clone, Copy, Debug)]
pub struct Dead {
    /// Its link type.
    pub datalink: i32,
    /// Its snapshot length.
    pub snapshot: i32,
    /// `PRECISION_MICRO` or `PRECISION_NANO`.
    pub precision: i32,
}

impl Handle {
    /// Begins the life of a handle on `device`, to be activated. QUIRK: a device that does not exist will do.
    pub fn create(&self, device: OsString) -> Result<()> {
        let tstamp_types = capture::tstamp_types(&device)?;
        let options = Box::new(Options::new(device, tstamp_types));
        let precision = options.precision;
        self.begin(State::Created(options))?;
        self.told.set(What::Precision, precision);
        Ok(())
    }

    /// Begins the life of a handle without packets.
    pub fn open_dead(&self, dead: Dead) -> Result<()> {
        let Dead { datalink, snapshot, .. } = dead;
        self.begin(State::Dead)?;
        self.told.set_facts(Facts { datalink, snapshot, source: filter::Source::Dead });
        self.tell(&[
            (What::Precision, dead.precision),
            (What::BufferSize, 0),
            (What::DeviceFd, 0),
            (What::Fd, 0),
        ]);
        Ok(())
    }

    /// Begins the life of a handle that reads a savefile.
    pub fn open_offline(&self, source: Box<Savefile>) -> Result<()> {
        let About { datalink, datalink_ext, snapshot, swapped, version, .. } = *source.about();
        let (precision, buffer_size) = (source.precision(), source.buffer_size());
        let fd = source.fd();
        if let Some(wake) = source.wake() {
            self.control.set_wake(Some(wake));
        }
        self.begin(State::Offline(source))?;
        let source = filter::Source::Savefile { swapped };
        self.told.set_facts(Facts { datalink, snapshot, source });
        self.tell(&[
            (What::Precision, precision),
            (What::BufferSize, buffer_size.cast_signed()),
            (What::Fd, fd),
            (What::Nonblocking, 0),
            (What::DatalinkExt, datalink_ext),
            (What::Swapped, swapped.into()),
            (What::Major, version.0),
            (What::Minor, version.1),
        ]);
        Ok(())
    }

    /// Begins a life of a handle that has none: it has forgotten all of the one before.
    fn begin(&self, state: State) -> Result<()> {
        if self.told.refuses() {
            self.told.forget();
        }
        debug_assert_eq!(self.told.get(What::Source), Code::NotActivated as i32);
        *self.state()? = state;
        self.delivered.reset();
        self.control.revive();
        Ok(())
    }

    /// Tells what the handle, which has just become active, is from now on. Of a savefile there is more to tell than of
    /// others, who say 0.
    fn tell(&self, answers: &[(What, i32)]) {
        for what in [What::DatalinkExt, What::Swapped, What::Major, What::Minor] {
            self.told.set(what, 0);
        }
        for (what, answer) in answers {
            self.told.set(*what, *answer);
        }
    }

    /// Ends the life: every descriptor and all memory of it are given up, and whoever is reading stops.
    pub fn close(&self) -> Result<()> {
        let mut ended = std::mem::take(&mut *self.state()?);
        self.told.forget();
        self.meter.end();
        if let State::Offline(source) = &mut ended {
            // Standard input goes on at the first packet that was not read.
            source.rewind(&self.batch);
        }
        self.shared.store(std::ptr::null_mut(), Ordering::Relaxed);
        self.control.retire();
        self.batch.clear();
        // Where this is a signal handler that has interrupted who takes it, it stays until the handle's next life.
        if matches!(ended, State::Live(_))
            && let Some(mut port) = write_within(&self.port, PORT_PATIENCE)
        {
            *port = None;
        }
        drop(ended);
        Ok(())
    }

    /// Ends the life of a handle that has nothing to give up; false, and nothing done, if it is none.
    pub fn close_dead(&self) -> bool {
        let Ok(mut state) = self.state() else { return false };
        let dead = matches!(*state, State::Dead);
        if dead {
            *state = State::Closed;
            self.told.forget();
            self.control.retire();
        }
        dead
    }

    /// Whether the handle is between two lives.
    pub fn is_closed(&self) -> bool {
        self.state().is_ok_and(|state| matches!(*state, State::Closed))
    }

    /// Opens the device as the options ask. A handle that fails can be tried again.
    pub fn activate(&self) -> Result<Option<Warning>> {
        let mut state = self.state()?;
        let State::Created(options) = &mut *state else {
            return Err(Error::Known(&ACTIVATED));
        };
        let mut opened = Opened::open(options)?;
        opened.source.listen()?;
        Ok(self.go_live(&mut state, opened))
    }

    /// Opens the device `n` times, as the options of this handle ask, which stays as it is: all are in one fanout
    /// group, and take packets once the last of them is in.
    pub fn open_group(&self, n: usize) -> Result<Vec<Opened>> {
        let mut state = self.state()?;
        let State::Created(options) = &mut *state else {
            return Err(Error::Known(&ACTIVATED));
        };
        if options.tuning.fanout.is_none() {
            return Err(Error::new("the handle is to be in no fanout group"));
        }
        let mut options = options.clone();
        let mut all: Vec<Opened> = Vec::new();
        for _ in 0..n {
            let opened = Opened::open(&mut options)?;
            // Whatever chose the first one's group, the others join that.
            if let (Some(fanout), Some(group)) = (&mut options.tuning.fanout, opened.source.group())
            {
                fanout.join(group);
            }
            all.push(opened);
        }
        for opened in &mut all {
            opened.source.listen()?;
        }
        Ok(all)
    }

    /// Activates a handle with what [`Handle::open_group`] has opened.
    pub fn adopt(&self, opened: Opened) -> Result<Option<Warning>> {
        let mut state = self.state()?;
        match &*state {
            State::Created(_) => Ok(self.go_live(&mut state, opened)),
            _ => Err(Error::Known(&ACTIVATED)),
        }
    }

    /// Begins the life of a handle that is active from the start.
    pub fn begin_active(&self, opened: Opened) -> Result<()> {
        self.begin(State::Closed)?;
        self.go_live(&mut *self.state()?, opened);
        Ok(())
    }

    fn go_live(&self, state: &mut State, opened: Opened) -> Option<Warning> {
        let Opened { options, mut source, wake, warning } = opened;
        source.count_in(&self.meter);
        let (port, datalink, snapshot) =
            (source.port(), source.datalink(), source.snapshot().cast_signed());
        let fd = port.as_ref().map_or(-1, |port| port.fd());
        let vlan = source.tells_vlan_tags();
        self.told.set_facts(Facts { datalink, snapshot, source: filter::Source::Live { vlan } });
        if !source.datalinks().is_empty() {
            self.told.set(What::OnlyDatalink, Code::Generic as i32);
        }
        self.tell(&[
            (What::Precision, options.precision),
            (What::BufferSize, source.buffer_size().cast_signed()),
            (What::DeviceFd, fd),
            (What::Fd, fd),
            (What::Watched, 0),
            (What::Nonblocking, source.nonblocking().into()),
            (What::Direction, Direction::InOut as i32),
            (What::Timeout, source.select_timeout_ms()),
        ]);
        *self.port.write() = port;
        self.control.set_wake(Some(&wake));
        *state = State::Live(Box::new(Live { options, source, _wake: wake }));
        warning
    }
}
