//! What is behind a `pcap_t`: its options, its life, and the step that every read uses.
//!
//! Nothing here knows C or packet sockets. All is shared (`&Handle`): the state sits in a `RefCell` that is
//! borrowed for a moment at a time, never while waiting and never while a callback runs, so that both may
//! use the handle again; what signal handlers and other threads use sits outside it.

pub mod batch;
pub mod control;
pub mod delivered;
pub mod options;
pub mod told;

use crate::bpf::{Insn, Program};
use crate::capture::facts::PacketFacts;
use crate::capture::membership::Membership;
use crate::capture::send::Order;
use crate::capture::{self, Direction, Fill, Port, Source, Stats};
use crate::error::{Code, Error, Result, Warning};
use crate::filter;
use crate::linktype;
use crate::savefile::{About, Savefile};
use crate::sys::stdio::Stream;
use crate::sys::{Errno, Sys, eventfd, poll};
use batch::{Batch, Lent};
use control::{Control, Interrupt, Token};
use delivered::Delivered;
use options::Options;
use parking_lot::RwLock;
use std::cell::{RefCell, RefMut};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;
use told::{Told, What};

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
    /// What may be used while `state` is borrowed: set as long as a source is open.
    port: RwLock<Option<Arc<dyn Port>>>,
    /// The stream of a savefile, once the program has asked for it.
    shared: AtomicPtr<libc::FILE>,
    /// As `port`; set once there is a link type. Filters are compiled while another thread reads.
    facts: RwLock<Option<Facts>>,
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
    Offline(Box<Offline>),
    /// Made to compile filters or to write savefiles.
    Dead,
}

struct Live {
    options: Options,
    source: Box<dyn Source>,
    /// What [`Control::request_break`] wakes; kept for its descriptor.
    _wake: OwnedFd,
}

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
        let wake = eventfd::create().map_err(no_eventfd)?;
        let (mut source, warning) = capture::open(options)?;
        if options.nonblocking {
            source.set_nonblocking(true)?;
        }
        Ok(Self { options: options.clone(), source, wake, warning })
    }
}

struct Offline {
    source: Savefile,
    /// As [`Live`]'s, of a savefile that is a pipe or the like.
    _wake: Option<OwnedFd>,
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

/// What the meaning of a filter depends on besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The link type.
    pub datalink: i32,
    /// The snapshot length.
    pub snapshot: i32,
    /// Where the packets come from.
    pub source: filter::Source,
}

/// What a step came to.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// There are packets to take.
    Packets,
    /// There are none now, and the read ends.
    Quiet,
    /// There are none now: the reader is to sleep, and to step again with what came of that.
    Wait(Sleep),
    /// There are none now, and there will be none.
    End,
    /// The reader has to stop.
    Stop(Interrupt),
}

/// A wait for packets, or for somebody who wants the reader to stop. It is the reader's own business, for
/// poll(2) is where a thread can be cancelled and a signal handler may jump away: nothing of ours must be
/// under way then.
#[derive(Clone, Copy, Debug)]
pub struct Sleep {
    fds: [poll::PollFd; 2],
    timeout_ms: i32,
}

impl Sleep {
    /// Sleeps. A cancelled thread unwinds from here.
    pub fn sleep(&mut self) -> Sys<i32> {
        poll::poll(&mut self.fds, self.timeout_ms)
    }
}

/// A read's search for packets, from step to step.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    token: Token,
    patient: bool,
    /// The read has packets to tell of.
    had_packets: bool,
    /// There were packets, and none for this program.
    rejected: bool,
    /// How the sleep ended that the last step asked for.
    slept: Option<(Sleep, Sys<i32>)>,
}

impl Search {
    /// A search by the reader that holds `token`, and has packets to tell of if `had_packets`.
    pub fn new(token: Token, patience: Patience, had_packets: bool) -> Self {
        let patient = patience == Patience::Wait;
        Self { token, patient, had_packets, rejected: false, slept: None }
    }

    /// The sleep that a step asked for has ended.
    pub fn slept(&mut self, sleep: Sleep, polled: Sys<i32>) {
        self.slept = Some((sleep, polled));
    }
}

/// Whether a step waits for packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It does, as far as the handle's mode lets it.
    Wait,
    /// It does not.
    None,
}

/// What an operation that needs packets finds wrong with a handle that has none.
fn not_live(state: &State, on_dead: &'static str) -> Error {
    match state {
        State::Created(_) => {
            Error::with_code(Code::NotActivated, "This handle hasn't been activated yet")
        }
        State::Dead => Error::new(on_dead),
        State::Live(_) | State::Offline(_) | State::Closed => {
            Error::new("This handle has been closed")
        }
    }
}

/// The texts of what an open_dead handle refuses.
mod on_dead {
    pub const READ: &str = "Packets aren't available from a pcap_open_dead pcap_t";
    pub const FACTS: &str = "Facts about packets aren't available from a pcap_open_dead pcap_t";
    pub const INJECT: &str = "Packets can't be sent on a pcap_open_dead pcap_t";
    pub const FILTER: &str = "A filter cannot be set on a pcap_open_dead pcap_t";
    pub const DIRECTION: &str = "The packet direction cannot be set on a pcap_open_dead pcap_t";
    pub const NONBLOCK: &str = "A pcap_open_dead pcap_t does not have a non-blocking mode setting";
    pub const STATS: &str = "Statistics aren't available from a pcap_open_dead pcap_t";
    pub const RFMON: &str = "Rfmon mode doesn't apply on a pcap_open_dead pcap_t";
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
        *self.facts.write() = Some(Facts { datalink, snapshot, source: filter::Source::Dead });
        self.tell(&[
            (What::Datalink, datalink),
            (What::Snapshot, snapshot),
            (What::Precision, dead.precision),
            (What::BufferSize, 0),
            (What::DeviceFd, 0),
            (What::Fd, 0),
        ]);
        Ok(())
    }

    /// Begins the life of a handle that reads a savefile.
    pub fn open_offline(&self, source: Savefile) -> Result<()> {
        let wake = if source.waits() { Some(eventfd::create().map_err(no_eventfd)?) } else { None };
        let About { datalink, datalink_ext, snapshot, swapped, version, .. } = *source.about();
        let (precision, buffer_size) = (source.precision(), source.buffer_size());
        let port = source.port();
        self.begin(State::Offline(Box::new(Offline { source, _wake: None })))?;
        if let (Some(wake), State::Offline(offline)) = (wake, &mut *self.state()?) {
            self.control.set_wake(Some(&wake));
            offline._wake = Some(wake);
        }
        self.tell(&[
            (What::Datalink, datalink),
            (What::Snapshot, snapshot),
            (What::Precision, precision),
            (What::BufferSize, buffer_size.cast_signed()),
            (What::Fd, port.fd()),
            (What::Nonblocking, 0),
            (What::DatalinkExt, datalink_ext),
            (What::Swapped, swapped.into()),
            (What::Major, version.0),
            (What::Minor, version.1),
        ]);
        *self.port.write() = Some(port);
        let source = filter::Source::Savefile { swapped };
        *self.facts.write() = Some(Facts { datalink, snapshot, source });
        Ok(())
    }

    fn begin(&self, state: State) -> Result<()> {
        *self.state()? = state;
        self.delivered.reset();
        self.told.forget();
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
        if let State::Offline(offline) = &mut ended {
            // Standard input goes on at the first packet that was not read.
            offline.source.rewind(&self.batch);
        }
        self.shared.store(std::ptr::null_mut(), Ordering::Relaxed);
        self.control.retire();
        self.batch.clear();
        *self.port.write() = None;
        *self.facts.write() = None;
        drop(ended);
        Ok(())
    }

    /// Whether the handle is between two lives.
    pub fn is_closed(&self) -> bool {
        self.state().is_ok_and(|state| matches!(*state, State::Closed))
    }

    /// Opens the device as the options ask. A handle that fails can be tried again.
    pub fn activate(&self) -> Result<Option<Warning>> {
        let mut state = self.state()?;
        let State::Created(options) = &mut *state else {
            return Err(already_activated());
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
            return Err(already_activated());
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
            _ => Err(already_activated()),
        }
    }

    /// Begins the life of a handle that is active from the start.
    pub fn begin_active(&self, opened: Opened) -> Result<()> {
        self.begin(State::Closed)?;
        self.go_live(&mut *self.state()?, opened);
        Ok(())
    }

    fn go_live(&self, state: &mut State, opened: Opened) -> Option<Warning> {
        let Opened { options, source, wake, warning } = opened;
        let (port, datalink, snapshot) =
            (source.port(), source.datalink(), source.snapshot().cast_signed());
        self.tell(&[
            (What::Datalink, datalink),
            (What::Snapshot, snapshot),
            (What::Precision, options.precision),
            (What::BufferSize, source.buffer_size().cast_signed()),
            (What::DeviceFd, port.fd()),
            (What::Fd, port.fd()),
            (What::Nonblocking, source.nonblocking().into()),
            (What::Direction, Direction::InOut as i32),
        ]);
        *self.port.write() = Some(port);
        let vlan = source.tells_vlan_tags();
        *self.facts.write() =
            Some(Facts { datalink, snapshot, source: filter::Source::Live { vlan } });
        self.control.set_wake(Some(&wake));
        *state = State::Live(Box::new(Live { options, source, _wake: wake }));
        warning
    }

    /// Changes an option of a handle that is not active.
    pub fn configure<R>(&self, change: impl FnOnce(&mut Options) -> R) -> Result<R> {
        match &mut *self.state()? {
            State::Created(options) => {
                let changed = change(options);
                self.told.set(What::Precision, options.precision);
                Ok(changed)
            }
            _ => Err(already_activated()),
        }
    }

    /// Looks at the options that a device was opened with, as they were had.
    pub fn options<R>(&self, look: impl FnOnce(&Options) -> R) -> Result<R> {
        match &*self.state()? {
            State::Live(live) => Ok(look(&live.options)),
            State::Offline(_) | State::Dead => Err(Error::new(NOT_ON_A_DEVICE)),
            State::Created(_) | State::Closed => Err(Error::bare(Code::NotActivated)),
        }
    }

    /// The packets that the last step lent.
    #[inline]
    pub fn lent(&self) -> &Batch {
        &self.batch
    }

    /// Ends a read whose last packet was the last that was lent: if nothing more is there, that is given back,
    /// so that the descriptor does not promise it again. The packet `last` is still needed, and may move.
    pub fn settle(&self, last: Option<&mut Lent>) -> Result<()> {
        live(&mut *self.state()?, on_dead::READ)?.settle(&self.batch, last);
        Ok(())
    }

    /// What the kernel told of the packet that begins at `packet`, if it is one that is lent.
    pub fn packet_facts(&self, packet: *const u8) -> Result<PacketFacts> {
        live(&mut *self.state()?, on_dead::FACTS)?.facts(&self.batch, packet)
    }

    /// Takes back what was lent and looks for more.
    pub fn step(&self, search: &mut Search) -> Result<Step> {
        if let Some((sleep, polled)) = search.slept.take() {
            self.woken(&sleep, polled)?;
        }
        loop {
            if let Some(interrupt) = self.control.interrupt(search.token) {
                if interrupt == Interrupt::Break {
                    // Told to whoever reads; a handle that cannot be read says so instead.
                    let whole = live(&mut *self.state()?, on_dead::READ)?.wait().to_the_end;
                    if whole && search.had_packets {
                        // QUIRK: a read of a savefile tells its packets, and leaves the break to the next one.
                        return Ok(Step::Quiet);
                    }
                    self.control.clear_break();
                }
                return Ok(Step::Stop(interrupt));
            }
            match self.fill()? {
                Fill::Packets => return Ok(Step::Packets),
                Fill::Rejected => search.rejected = true,
                Fill::End => return Ok(Step::End),
                Fill::Nothing => {
                    let wait = live(&mut *self.state()?, on_dead::READ)?.wait();
                    let impatient = !search.patient && !wait.to_the_end;
                    if impatient || (search.rejected && wait.rejected_ends) {
                        return Ok(Step::Quiet);
                    }
                    // A reader that must not block looks for errors once, and then once for packets.
                    search.patient = wait.timeout_ms != 0;
                    // Nobody needs to wake who does not sleep.
                    let wake = if wait.timeout_ms == 0 { -1 } else { self.control.wake_fd() };
                    let fds = [wait.fd, wake].map(poll::readable);
                    return Ok(Step::Wait(Sleep { fds, timeout_ms: wait.timeout_ms }));
                }
            }
        }
    }

    #[inline]
    fn fill(&self) -> Result<Fill> {
        inject_panic();
        let mut state = self.state()?;
        live(&mut state, on_dead::READ)?.fill(&self.batch)
    }

    /// Looks at how a sleep ended.
    fn woken(&self, sleep: &Sleep, polled: Sys<i32>) -> Result<()> {
        match polled {
            Ok(_) => {}
            Err(Errno(libc::EINTR)) => return Ok(()),
            Err(errno) => return Err(Error::errno("can't poll on packet socket", errno)),
        }
        let [source, wake] = sleep.fds;
        if wake.revents != 0 {
            self.control.drain();
        }
        if source.revents == libc::POLLIN {
            return Ok(());
        }
        match live(&mut *self.state()?, on_dead::READ) {
            Ok(live) => live.woken(source.revents),
            // Closed meanwhile, which the next look at the control word tells.
            Err(_) => Ok(()),
        }
    }

    /// Lets through only packets that `program` accepts.
    pub fn set_filter(&self, program: Option<&[Insn]>) -> Result<()> {
        let mut state = self.state()?;
        let source = live(&mut state, on_dead::FILTER)?;
        let program = program.ok_or_else(|| Error::new("setfilter: No filter specified"))?;
        let program =
            Program::new(program).ok_or_else(|| Error::new("BPF program is not valid"))?;
        self.take_back(source);
        source.set_filter(program)
    }

    /// Lets through only packets of `direction`; `None` is a direction that does not exist.
    pub fn set_direction(&self, direction: Option<Direction>) -> Result<()> {
        let direction = direction.ok_or_else(|| Error::new("Invalid direction"))?;
        let mut state = self.state()?;
        let source = live(&mut state, on_dead::DIRECTION)?;
        self.take_back(source);
        source.set_direction(direction)?;
        self.told.set(What::Direction, direction as i32);
        Ok(())
    }

    /// Takes back the packets that were lent and not read, so that they meet the rules that come.
    fn take_back(&self, source: &mut dyn Source) {
        source.rewind(&self.batch);
        self.batch.clear();
    }

    /// Looks at the link types to choose from.
    pub fn datalinks<R>(&self, look: impl FnOnce(&[i32]) -> Result<R>) -> Result<R> {
        match &*self.state()? {
            State::Live(live) if !live.source.datalinks().is_empty() => {
                look(live.source.datalinks())
            }
            State::Live(_) | State::Offline(_) | State::Dead => {
                look(&[self.told.get(What::Datalink)])
            }
            State::Created(_) | State::Closed => Err(Error::bare(Code::NotActivated)),
        }
    }

    /// Chooses a link type.
    pub fn set_datalink(&self, dlt: i32) -> Result<()> {
        let offered = match self.datalinks(|offered| Ok(offered.contains(&dlt))) {
            Err(error) if error.code == Code::NotActivated => false,
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
                if let Some(facts) = &mut *self.facts.write() {
                    facts.datalink = dlt;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What filters depend on; `None` before activation. Other threads may ask while the handle is read.
    pub fn facts(&self) -> Option<Facts> {
        *self.facts.read()
    }

    /// Looks at the types of time stamps to choose from.
    pub fn tstamp_types<R>(&self, look: impl FnOnce(&[i32]) -> Result<R>) -> Result<R> {
        let state = self.state()?;
        let types: &[i32] = match &*state {
            State::Created(options) => &options.tstamp_types,
            State::Live(live) => &live.options.tstamp_types,
            State::Offline(_) | State::Dead | State::Closed => &[],
        };
        look(if types.is_empty() { &[options::TSTAMP_HOST] } else { types })
    }

    /// Whether monitor mode could be asked for: never, on the devices that there are.
    pub fn can_set_rfmon(&self) -> Result<bool> {
        match &*self.state()? {
            State::Dead => Err(Error::new(on_dead::RFMON)),
            _ => Ok(false),
        }
    }

    /// Whether reads do not wait, or why a handle does not tell it by [`What::Nonblocking`].
    pub fn nonblocking(&self) -> Result<bool> {
        Ok(live(&mut *self.state()?, on_dead::NONBLOCK)?.nonblocking())
    }

    /// Chooses whether reads wait; before activation, for after it.
    pub fn set_nonblocking(&self, on: bool) -> Result<()> {
        match &mut *self.state()? {
            State::Created(options) => {
                options.nonblocking = on;
                Ok(())
            }
            state => {
                live(state, on_dead::NONBLOCK)?.set_nonblocking(on)?;
                self.told.set(What::Nonblocking, on.into());
                Ok(())
            }
        }
    }

    /// The longest to wait on the descriptor before reading anyway.
    pub fn required_timeout(&self) -> Result<Option<Duration>> {
        match &*self.state()? {
            State::Live(live) => Ok(live.source.required_timeout()),
            _ => Ok(None),
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
            State::Offline(offline) => {
                let stream = offline.source.stream(&self.batch)?.map(Stream::as_ptr);
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

    /// Counts since activation; signal handlers and other threads may ask while the handle is read.
    /// `all` as [`Port::stats`] has it.
    pub fn stats(&self, all: bool) -> Result<Stats> {
        match self.port() {
            Some(port) => port.stats(all),
            None => Err(not_live(&*self.state()?, on_dead::STATS)),
        }
    }

    /// Sends a packet; other threads may while the handle is read.
    pub fn inject(&self, packet: &[u8]) -> Result<usize> {
        match self.port() {
            Some(port) => port.inject(packet),
            None => Err(not_live(&*self.state()?, on_dead::INJECT)),
        }
    }

    /// Sends a queue of packets, as [`Handle::inject`] does one. `sent` is how many bytes of it have gone, also if
    /// that fails. A break that is asked for meanwhile ends it, and is told to the next read, too.
    pub fn transmit(&self, queue: &[u8], synchronised: bool, sent: &mut usize) -> Result<()> {
        let Some(port) = self.port() else {
            return Err(not_live(&*self.state()?, on_dead::INJECT));
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
        match &mut *self.state()? {
            State::Created(options) => {
                let wanted = &mut options.tuning.memberships;
                wanted.retain(|other| *other != membership);
                wanted.extend(join.then_some(membership));
                Ok(())
            }
            other => Err(not_live(other, NOT_ON_A_DEVICE)),
        }
    }

    fn port(&self) -> Option<Arc<dyn Port>> {
        // Not waiting: the writer may be what this signal handler has interrupted.
        self.port.try_read_recursive()?.clone()
    }

    /// Borrowed until the end of the caller's statement or block, which runs no code of a program's.
    #[inline]
    fn state(&self) -> Result<RefMut<'_, State>> {
        self.state.try_borrow_mut().map_err(|_| busy())
    }
}

/// What a packet socket is asked on a handle that has none.
const NOT_ON_A_DEVICE: &str = "This handle does not capture from a device";

fn no_eventfd(errno: Errno) -> Error {
    Error::errno("could not open eventfd", errno)
}

#[cold]
fn busy() -> Error {
    Error::new("This handle is in use by another thread or a signal handler's caller")
}

/// The open source, or what the operation says on a handle that has none.
#[inline]
fn live<'s>(state: &'s mut State, on_dead: &'static str) -> Result<&'s mut dyn Source> {
    match state {
        State::Live(live) => Ok(&mut *live.source),
        State::Offline(offline) => Ok(&mut offline.source),
        other => Err(not_live(other, on_dead)),
    }
}

/// QUIRK: the two spaces are libpcap's.
fn already_activated() -> Error {
    Error::with_code(Code::Activated, "can't perform  operation on activated capture")
}

/// Panics where a test wants to see what becomes of that.
fn inject_panic() {
    #[cfg(feature = "inject-panic")]
    assert!(std::env::var_os("PCAP_INJECT_PANIC").is_none(), "injected");
}
