//! How a capture ends and what signals do to it.

use crate::support::frames;
use crate::support::netns::{self, private};
use crate::support::tcpdump::Bench;
use crate::support::traffic::RawSender;
use crate::wanted::{RACING_RECEIVED, without_received};

#[test]
fn ending_signals() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            for mode in ["", " --immediate-mode -B 8192"] {
                let idle = bench.start(&format!("-i v1{mode}")).listening();
                idle.signal(signal);
                idle.assert_same(&[]);

                let busy = bench.start(&format!("-i v1 -n -t -l{mode}")).listening();
                RawSender::new("v0").send_all(&frames::mixed());
                busy.printed_last(1);
                busy.signal(signal);
                busy.assert_same(&[]);
            }
        }
    });
}

/// SIGUSR1 prints the statistics so far, from a signal handler that runs within pcap_loop(), and
/// the capture goes on.
#[test]
fn statistics_on_signal() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let sender = RawSender::new("v0");
        for mode in ["", " --immediate-mode -B 8192"] {
            let runs = bench.start(&format!("-i v1 -n -t -l{mode}")).listening();
            for round in 1..=3 {
                sender.send_all(&frames::mixed());
                runs.printed_last(round);
                runs.signal(libc::SIGUSR1);
                runs.until("the statistics are printed", |tcpdump| {
                    let text = tcpdump.stderr.text();
                    text.ends_with('\n') && text.matches("dropped by kernel").count() == round
                });
            }
            runs.signal(libc::SIGINT);
            let theirs = runs.assert_same(&[]);
            let counted = format!("tcpdump: {} packets captured, ", 2 * frames::mixed().len());
            assert!(theirs.stderr.contains(&counted), "{}", theirs.stderr);
        }
    });
}

/// `-c` stops at the count though more packets wait.
#[test]
fn count_below_traffic() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all = ["-c 1", "-c 7", "-c 7 --immediate-mode -B 8192", "-c 7 -Q in"]
            .map(|options| bench.start(&format!("-i v1 -n -t {options}")).listening());
        RawSender::new("v0").send_all(&frames::mixed());
        for runs in all {
            let mut runs = runs.finish();
            for run in &mut runs {
                assert!(run.count("received by filter") >= run.count("captured"));
                run.stderr = without_received(run);
            }
            crate::support::tcpdump::assert_same("-c", &runs, &[RACING_RECEIVED]);
        }
    });
}

/// A tcpdump that does not read loses packets, and says how many.
#[test]
fn overrun() {
    const SENT: u32 = 6000;
    private(|| {
        netns::veth();
        let bench = Bench::new();
        for mode in ["", " --immediate-mode"] {
            let runs = bench.start(&format!("-i v1 -n -t -l -B 1024{mode}")).listening();
            runs.signal(libc::SIGSTOP);
            runs.until("it has stopped", |tcpdump| {
                tcpdump.proc("stat").rsplit(')').next().is_some_and(|s| s.starts_with(" T"))
            });
            let sender = RawSender::new("v0");
            for n in 0..SENT {
                sender.send(&frames::sized(n, 1000));
            }
            runs.signal(libc::SIGCONT);
            // Packets that still fit show when all of the others are printed.
            runs.until("it printed the last packet", |tcpdump| {
                sender.send(&frames::last());
                tcpdump.stdout.text().contains(frames::LAST)
            });
            runs.signal(libc::SIGINT);
            let [theirs, ours @ ..] = runs.finish();
            assert!(theirs.count("dropped by kernel") > 0, "{}", theirs.stderr);
            for ours in ours {
                let captured = ours.count("captured");
                let dropped = ours.count("dropped by kernel");
                assert!(captured + dropped >= u64::from(SENT), "{}", ours.stderr);
                // How full the kernel makes a block depends on its clock, so about as many fit.
                assert!(2 * captured >= theirs.count("captured"), "{}", ours.stderr);
                assert!(dropped > 0, "{}", ours.stderr);
                assert!(ours.count("received by filter") >= captured + dropped, "{}", ours.stderr);
            }
        }
    });
}
