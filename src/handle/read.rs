//! The step that every read uses: what is there, or how to wait for it.

use super::batch::{Batch, Lent};
use super::control::{Interrupt, Token};
use super::told::What;
use super::{Handle, live, on_dead};
use crate::capture::Fill;
use crate::capture::facts::PacketFacts;
use crate::error::{Error, Result};
use crate::sys::{Errno, Sys, poll};

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
    /// The source's, and the one to be woken by; -1 for none.
    fds: [poll::PollFd; 2],
    timeout_ms: i32,
    look_again: bool,
}

impl Sleep {
    /// Sleeps. A cancelled thread unwinds from here.
    pub fn sleep(&mut self) -> Sys<i32> {
        let [source, wake] = &mut self.fds;
        let fds = if wake.fd < 0 { std::slice::from_mut(source) } else { &mut self.fds };
        poll::poll(fds, self.timeout_ms)
    }

    /// Whether the read ends with this, without another step.
    pub fn is_all(&self, polled: Sys<i32>) -> bool {
        polled == Ok(0) && !self.look_again
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

impl Handle {
    /// The packets that the last step lent.
    #[inline]
    pub fn lent(&self) -> &Batch {
        &self.batch
    }

    /// Ends a read whose last packet was the last that was lent: if nothing more is there, that is given back,
    /// so that the descriptor does not promise it again. The packet `last` is still needed, and may move.
    pub fn settle(&self, last: Option<&mut Lent>) -> Result<()> {
        live(&mut *self.state()?, &on_dead::READ)?.settle(&self.batch, last);
        Ok(())
    }

    /// What the kernel told of the packet that begins at `packet`, if it is one that is lent.
    pub fn packet_facts(&self, packet: *const u8) -> Result<PacketFacts> {
        live(&mut *self.state()?, &on_dead::FACTS)?.facts(&self.batch, packet)
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
                    let whole = live(&mut *self.state()?, &on_dead::READ)?.wait().to_the_end;
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
                    let mut state = self.state()?;
                    let source = live(&mut state, &on_dead::READ)?;
                    let wait = source.wait();
                    let impatient = !search.patient && !wait.to_the_end;
                    if impatient || (search.rejected && wait.rejected_ends) {
                        return Ok(Step::Quiet);
                    }
                    let sleeps = wait.timeout_ms != 0;
                    // A descriptor may tell of an error once only, to who then reads.
                    let watched = self.told.get(What::Watched) == 1;
                    if !sleeps && !watched && !source.asks() {
                        return Ok(Step::Quiet);
                    }
                    // A reader that must not block looks for errors once, and then once for packets.
                    search.patient = sleeps;
                    // Nobody needs to wake who does not sleep.
                    let wake = if sleeps { self.control.wake_fd() } else { -1 };
                    let fds = [wait.fd, wake].map(poll::readable);
                    let (timeout_ms, look_again) = (wait.timeout_ms, wait.look_again);
                    return Ok(Step::Wait(Sleep { fds, timeout_ms, look_again }));
                }
            }
        }
    }

    #[inline]
    fn fill(&self) -> Result<Fill> {
        inject_panic();
        let mut state = self.state()?;
        let source = live(&mut state, &on_dead::READ)?;
        let filled = source.fill(&self.batch);
        self.tell_timeout(source);
        filled
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
        match live(&mut *self.state()?, &on_dead::READ) {
            Ok(live) => {
                let woken = live.woken(source.revents);
                self.tell_timeout(live);
                woken
            }
            // Closed meanwhile, which the next look at the control word tells.
            Err(_) => Ok(()),
        }
    }
}

/// Panics where a test wants to see what becomes of that.
fn inject_panic() {
    #[cfg(feature = "inject-panic")]
    assert!(std::env::var_os("PCAP_INJECT_PANIC").is_none(), "injected");
}
