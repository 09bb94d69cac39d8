//! What is behind a `pcap_t`: its options, its life (`life.rs`), and the step that every read uses (`read.rs`).
//!
//! Nothing here knows C or packet sockets. All is shared (`&Handle`): the state sits in a `RefCell` that is
//! borrowed for a moment at a time, never while waiting and never while a callback runs, so that both may
//! use the handle again; what signal handlers and other threads use sits outside it.

pub mod batch;
pub mod control;
pub mod delivered;
mod life;
pub mod options;
mod read;
pub mod told;

use crate::bpf::{Insn, Program};
use crate::capture::membership::Membership;
use crate::capture::meter::Meter;
use crate::capture::send::Order;
use crate::capture::{Direction, Port, Source, Stats};
use crate::error::{Code, Error, Known, Result};
use crate::linktype;
use crate::savefile::{self, Savefile};
use crate::sys::stdio::Stream;
use batch::Batch;
use control::Control;
use delivered::Delivered;
use options::Options;
use parking_lot::RwLock;
use std::cell::{RefCell, RefMut};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use told::{Stage, Told, What};

pub use life::{Dead, Opened};
pub use read::{Patience, Search, Sleep, Step};

/// One handle, which lives several lives: [`Handle::create`] begins one, [`Handle::close`] ends it.
#[derive(Default)]
pub struct Handle {
    /// The break flag and the wake-up call.
    pub control: Control,
    /// What the program has been given in this life.
    pub delivered: Delivered,
    /// What it says of itself, without a look at `state`.
    pub told: Told,
    batch: Batch,
    state: RefCell<State>,
    /// What the socket of each of its lives has counted.
    meter: Arc<Meter>,
    /// What may be used while `state` is borrowed: set as long as a device is open.
    port: RwLock<Option<Arc<Port>>>,
    /// The stream of a savefile, once the program has asked for it.
    shared: AtomicPtr<libc::FILE>,
}

/// Where in its life a handle is.
#[derive(Default)]
enum State {
    /// Not in use.
    #[default]
    Closed,
    /// Not activated yet.
    Created(Box<Options>),
    /// Reading packets from a device.
    Live(Box<Live>),
    /// Reading packets from a savefile.
    Offline(Box<Savefile>),
    /// Made to compile filters or to write savefiles.
    Dead,
}

struct Live {
    options: Options,
    source: Box<dyn Source>,
    /// What [`Control::request_break`] wakes; kept for its descriptor.
    _wake: OwnedFd,
}

/// The result of what fails in known ways only.
pub type Refusable<T> = std::result::Result<T, &'static Known>;

/// What an operation that needs packets finds wrong with a handle that has none.
fn not_live(state: &State, on_dead: &'static Known) -> Error {
    Error::Known(match state {
        State::Created(_) => &NOT_ACTIVATED,
        State::Dead => on_dead,
        State::Live(_) | State::Offline(_) | State::Closed => &CLOSED,
    })
}

static NOT_ACTIVATED: Known =
    Known::with_code(Code::NotActivated, "This handle hasn't been activated yet");
static CLOSED: Known = Known::new("This handle has been closed");
/// What changes options is told of a handle that is active. QUIRK: the two spaces are libpcap's.
pub static ACTIVATED: Known =
    Known::with_code(Code::Activated, "can't perform  operation on activated capture");
static BUSY: Known =
    Known::new("This handle is in use by another thread or a signal handler's caller");
/// What a packet socket is asked on a handle that has none.
static NOT_ON_A_DEVICE: Known = Known::new("This handle does not capture from a device");

/// The texts of what an open_dead handle refuses.
mod on_dead {
    use crate::error::Known;

    pub static READ: Known = Known::new("Packets aren't available from a pcap_open_dead pcap_t");
    pub static FACTS: Known =
        Known::new("Facts about packets aren't available from a pcap_open_dead pcap_t");
    pub static INJECT: Known = Known::new("Packets can't be sent on a pcap_open_dead pcap_t");
    pub static FILTER: Known = Known::new("A filter cannot be set on a pcap_open_dead pcap_t");
    pub static DIRECTION: Known =
        Known::new("The packet direction cannot be set on a pcap_open_dead pcap_t");
    pub static NONBLOCK: Known =
        Known::new("A pcap_open_dead pcap_t does not have a non-blocking mode setting");
    pub static STATS: Known =
        Known::new("Statistics aren't available from a pcap_open_dead pcap_t");
    pub static RFMON: Known = Known::new("Rfmon mode doesn't apply on a pcap_open_dead pcap_t");
}

impl Handle {
    /// Changes an option of a handle that is not active.
    pub fn configure<R>(&self, change: impl FnOnce(&mut Options) -> R) -> Result<R> {
        self.try_configure(change).map_err(Error::Known)
    }

    /// As [`Handle::configure`].
    #[inline]
    pub fn try_configure<R>(&self, change: impl FnOnce(&mut Options) -> R) -> Refusable<R> {
        match self.state.try_borrow_mut().as_deref_mut() {
            Ok(State::Created(options)) => Ok(change(options)),
            Ok(_) => Err(&ACTIVATED),
            Err(_) => Err(&BUSY),
        }
    }

    /// Chooses the unit of time stamps, which is told before activation, too.
    #[inline]
    pub fn set_precision(&self, precision: i32) -> Refusable<Option<Code>> {
        let error = self.try_configure(|options| options.set_precision(precision))?;
        if error.is_none() {
            self.told.set(What::Precision, precision);
        }
        Ok(error)
    }

    /// Looks at the options that a device was opened with, as they were had.
    pub fn options<R>(&self, look: impl FnOnce(&Options) -> R) -> Result<R> {
        match &*self.state()? {
            State::Live(live) => Ok(look(&live.options)),
            State::Offline(_) | State::Dead => Err(Error::Known(&NOT_ON_A_DEVICE)),
            State::Created(_) | State::Closed => Err(Error::bare(Code::NotActivated)),
        }
    }

    /// Lets through only packets that `program` accepts.
    pub fn set_filter(&self, program: Option<&[Insn]>) -> Result<()> {
        match &mut *self.state()? {
            State::Live(live) => self.filter_source(&mut *live.source, program),
            State::Offline(source) => self.filter_source(&mut **source, program),
            other => Err(not_live(other, &on_dead::FILTER)),
        }
    }

    /// As [`Handle::set_filter`]: generic, for what a savefile does is little when it is known.
    fn filter_source<S>(&self, source: &mut S, program: Option<&[Insn]>) -> Result<()>
    where
        S: Source + ?Sized,
    {
        let program = program.ok_or_else(|| Error::new("setfilter: No filter specified"))?;
        let program =
            Program::new(program).ok_or_else(|| Error::new("BPF program is not valid"))?;
        self.take_back(source);
        let set = source.set_filter(program);
        self.tell_timeout(source);
        set
    }

    /// Tells how long to wait on the descriptor, after whatever may have changed that.
    fn tell_timeout(&self, source: &(impl Source + ?Sized)) {
        self.told.set(What::Timeout, source.select_timeout_ms());
    }

    /// Lets through only packets of `direction`; `None` is a direction that does not exist.
    pub fn set_direction(&self, direction: Option<Direction>) -> Result<()> {
        let direction = direction.ok_or_else(|| Error::new("Invalid direction"))?;
        let mut state = self.state()?;
        let source = live(&mut state, &on_dead::DIRECTION)?;
        self.take_back(source);
        source.set_direction(direction)?;
        self.told.set(What::Direction, direction as i32);
        Ok(())
    }

    /// Takes back the packets that were lent and not read, so that they meet the rules that come.
    fn take_back(&self, source: &mut (impl Source + ?Sized)) {
        source.rewind(&self.batch);
        self.batch.clear();
    }

    /// Looks at the link types to choose from.
    #[inline]
    pub fn datalinks<R>(&self, look: impl FnOnce(&[i32]) -> Result<R>) -> Result<R> {
        if let only @ 0.. = self.told.get(What::OnlyDatalink) {
            return look(&[only]);
        }
        match &*self.state()? {
            State::Live(live) => match live.source.datalinks() {
                [] => look(&[self.told.get(What::Datalink)]),
                offered => look(offered),
            },
            State::Offline(_) | State::Dead => look(&[self.told.get(What::Datalink)]),
            State::Created(_) | State::Closed => Err(Error::bare(Code::NotActivated)),
        }
    }

    /// Chooses a link type.
    pub fn set_datalink(&self, dlt: i32) -> Result<()> {
        let offered = match self.datalinks(|offered| Ok(offered.contains(&dlt))) {
            Err(error) if error.code() == Code::NotActivated => false,
            offered => offered?,
        };
        if dlt < 0 || !offered {
            let name = linktype::by_dlt(dlt)
                .map_or_else(|| format!("DLT {dlt}"), |row| row.name.to_string());
            let text = format!("{name} is not one of the DLTs supported by this device");
            return Err(Error::new(text));
        }
        match &mut *self.state()? {
            State::Live(live) if live.source.datalink() != dlt => {
                self.take_back(&mut *live.source);
                live.source.set_datalink(dlt)?;
                self.told.set(What::Datalink, dlt);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Looks at the types of time stamps to choose from.
    #[inline]
    pub fn tstamp_types<R>(&self, look: impl FnOnce(&[i32]) -> Result<R>) -> Result<R> {
        let state = self.state()?;
        let types: &[i32] = match &*state {
            State::Created(options) => &options.tstamp_types,
            State::Live(live) => &live.options.tstamp_types,
            State::Offline(_) | State::Dead | State::Closed => &[],
        };
        match types {
            [] => look(&[options::TSTAMP_HOST]),
            offered => look(offered),
        }
    }

    /// Whether monitor mode could be asked for: never, on the devices that there are.
    pub fn can_set_rfmon(&self) -> Result<bool> {
        match &*self.state()? {
            State::Dead => Err(Error::Known(&on_dead::RFMON)),
            _ => Ok(false),
        }
    }

    /// Whether reads do not wait, or why a handle does not tell it by [`What::Nonblocking`].
    pub fn nonblocking(&self) -> Result<bool> {
        Ok(live(&mut *self.state()?, &on_dead::NONBLOCK)?.nonblocking())
    }

    /// Chooses whether reads wait; before activation, for after it.
    pub fn set_nonblocking(&self, on: bool) -> Result<()> {
        match &mut *self.state()? {
            State::Created(options) => {
                options.nonblocking = on;
                Ok(())
            }
            state => {
                live(state, &on_dead::NONBLOCK)?.set_nonblocking(on)?;
                self.told.set(What::Nonblocking, on.into());
                Ok(())
            }
        }
    }

    /// The number of the fanout group that the handle is in, if it is in one.
    pub fn group(&self) -> Result<Option<u16>> {
        match &*self.state()? {
            State::Live(live) => Ok(live.source.group()),
            State::Offline(_) | State::Dead => Ok(None),
            State::Created(_) | State::Closed => Err(Error::bare(Code::NotActivated)),
        }
    }

    /// The stream of a savefile, which from now on is read by the record.
    pub fn stream(&self) -> Result<Option<*mut libc::FILE>> {
        match &mut *self.state()? {
            State::Offline(source) => {
                let stream = source.stream(&self.batch)?.map(Stream::as_ptr);
                self.shared.store(stream.unwrap_or_default(), Ordering::Relaxed);
                Ok(stream)
            }
            _ => Ok(None),
        }
    }

    /// The same, if the program has asked for it before; NULL for nothing known.
    pub fn known_stream(&self) -> *mut libc::FILE {
        self.shared.load(Ordering::Relaxed)
    }

    /// Whether there is no stream, if that is known without a look at the state.
    #[inline]
    pub fn has_no_stream(&self) -> bool {
        matches!(self.told.stage(), Stage::Created | Stage::Dead | Stage::Live)
    }

    /// Why nothing is counted, if that is known without a look at the state.
    #[inline]
    pub fn no_stats(&self) -> Option<&'static Known> {
        match self.told.stage() {
            Stage::Created => Some(&NOT_ACTIVATED),
            Stage::Dead => Some(&on_dead::STATS),
            Stage::Savefile => Some(&savefile::NO_STATS),
            Stage::Live | Stage::Untold => None,
        }
    }

    /// Counts since activation; signal handlers and other threads may ask while the handle is read.
    /// What the interface drops as libpcap counts it, or `all` of that.
    #[inline(always)]
    pub fn stats(&self, all: bool) -> Result<Stats> {
        let mut stats = match self.meter.read() {
            Some(counted) => counted?,
            None => return Err(self.not_counted()),
        };
        // QUIRK: it counts in promiscuous mode only.
        if all || self.meter.is_promiscuous() {
            stats.interface_dropped = self.interface_dropped();
        }
        Ok(stats)
    }

    /// Apart, for few ask.
    #[inline(never)]
    fn interface_dropped(&self) -> u64 {
        self.port().map_or(0, |port| port.interface_dropped())
    }

    /// Why there are no counts.
    #[cold]
    #[inline(never)]
    fn not_counted(&self) -> Error {
        let of_state =
            || self.state().map_or_else(|e| e, |state| not_live(&state, &on_dead::STATS));
        self.no_stats().map_or_else(of_state, Error::Known)
    }

    /// Sends a packet; other threads may while the handle is read.
    #[inline(always)]
    pub fn inject(&self, packet: &[u8]) -> Result<usize> {
        match self.port() {
            Some(port) => port.inject(packet),
            None => Err(self.not_sent()),
        }
    }

    /// Why nothing can be sent.
    #[cold]
    #[inline(never)]
    fn not_sent(&self) -> Error {
        if self.told.stage() == Stage::Savefile {
            return Error::Known(&savefile::NO_SENDING);
        }
        self.state().map_or_else(|e| e, |state| not_live(&state, &on_dead::INJECT))
    }

    /// Sends a queue of packets, as [`Handle::inject`] does one. `sent` is how many bytes of it have gone, also if
    /// that fails. A break that is asked for meanwhile ends it, and is told to the next read, too.
    pub fn transmit(&self, queue: &[u8], synchronised: bool, sent: &mut usize) -> Result<()> {
        let Some(port) = self.port() else {
            return Err(self.not_sent());
        };
        let watch = self.control.watch();
        let stop = || self.control.asked_since(watch);
        port.transmit(&Order { queue, synchronised, stop: &stop }, sent)
    }

    /// Has the interface take in more than its own packets, or takes that back: at once, or when the handle is
    /// activated. Other threads may ask while the handle is read.
    pub fn member(&self, membership: Membership, join: bool) -> Result<()> {
        if let Some(port) = self.port() {
            return port.member(membership, join);
        }
        if self.told.stage() == Stage::Savefile {
            return Err(Error::Known(&NOT_ON_A_DEVICE));
        }
        match &mut *self.state()? {
            State::Created(options) => {
                let wanted = &mut options.tuning.memberships;
                wanted.retain(|other| *other != membership);
                wanted.extend(join.then_some(membership));
                Ok(())
            }
            other => Err(not_live(other, &NOT_ON_A_DEVICE)),
        }
    }

    fn port(&self) -> Option<Arc<Port>> {
        if !self.told.reads() {
            return None;
        }
        // Not waiting: the writer may be what this signal handler has interrupted.
        self.port.try_read_recursive()?.clone()
    }

    /// Borrowed until the end of the caller's statement or block, which runs no code of a program's.
    #[inline]
    fn state(&self) -> Result<RefMut<'_, State>> {
        self.state.try_borrow_mut().map_err(|_| Error::Known(&BUSY))
    }
}

/// The open source, or what the operation says on a handle that has none.
#[inline]
fn live<'s>(state: &'s mut State, on_dead: &'static Known) -> Result<&'s mut dyn Source> {
    match state {
        State::Live(live) => Ok(&mut *live.source),
        State::Offline(source) => Ok(&mut **source),
        other => Err(not_live(other, on_dead)),
    }
}
