//! Runs the C programs of capi-tests/ against the built library, one test a case.
//!
//! Each program is compiled once against include/ and linked to the release library, which is built
//! first if it is stale. The programs do their work in network namespaces of their own, under the shim
//! that plays older kernels (capi-tests/shim.c). From the environment:
//!
//! - `PCAP_LIB_DIR`: a directory with another libpcap.so to test (the distribution's, say);
//! - `PCAP_INCLUDE_DIR`: other headers than include/;
//! - `LIBPCAP_RS_SKIPS`: a file that gets one line for each case that was skipped, with the reason;
//! - `CAPI_NO_SKIP`: a case that would be skipped fails.
//!
//! What a case calls is noted down while it runs (tests/support/watched.rs), and must be what docs/functions.md says
//! of it.

use std::collections::HashMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock, PoisonError};

#[path = "support/library.rs"]
mod library;
#[allow(dead_code, reason = "made for the tests of the manual")]
#[path = "man/pages.rs"]
mod pages;
#[path = "support/watched.rs"]
mod watched;

use watched::{Case, Claim, Watched};

/// The exit status by which a program says that the case cannot run here.
const SKIPPED: i32 = 77;

macro_rules! programs {
    ($($program:ident { $($case:ident)* })*) => {
        $(mod $program {
            $(#[test]
            fn $case() {
                super::run_case(stringify!($program), stringify!($case));
            })*
        })*
        const PROGRAMS: &[(&str, &[&str])] =
            &[$((stringify!($program), &[$(stringify!($case)),*])),*];
    };
}

programs! {
    append {
        kinds versions lengths_and_types truncated empty_and_new two_at_a_time stdio_underneath
        standard_output open_errors permissions
    }
    boundary {
        breakloop_in_callback stats_in_callback setfilter_in_callback inject_in_callback
        geterr_in_callback close_in_callback close_in_callback_of_dispatch nested_dispatch
        nested_next_ex setdirection_in_callback setnonblock_in_callback getters_in_callback
        data_stays_in_callback longjmp_and_go_on longjmp_and_close longjmp_often
    }
    boundary_cxx {
        exception_through_loop exception_through_dispatch
    }
    breakloop {
        break_before_the_call break_before_the_packets break_in_nonblocking_mode
        break_across_modes break_in_the_callback break_from_another_thread
        break_without_timeout break_from_a_signal_handler break_under_traffic break_storm
        cancelled_threads break_by_a_cancelled_thread break_other_handles
    }
    compile {
        texts texts_of_the_distribution texts_go_on first_in_reading_order without_optimising
        bytes_that_are_no_text nothing_to_compile snaplens without_a_handle depth_and_size threads
        while_it_is_read after_another_link_type
    }
    documented {
        names_of_link_types names_of_time_stamps programs perror_prints savefiles
        savefiles_that_do_not_open what_a_savefile_cannot dumps_that_do_not_open
        character_encodings activated remote activation_warns no_descriptor_left
        names_that_are_none dump_without_permission
    }
    dump {
        file name_that_is_no_utf8 nanoseconds linktypes open_errors stdio_underneath
        into_a_stream standard_output odd_values link_type_extension into_a_stream_that_fails
        stdio_of_the_program closed_by_the_program many_at_a_time pieces threads locked_stream
        cancelled_thread live_capture
    }
    dump_errors {
        full_at_flush full_at_dump full_at_close no_failure full_standard_output full_at_open
        small_disk small_disk_appended pipe_without_a_reader file_size_limit cleared
        the_next_stream
    }
    ethers {
        addresses entries entries_a_line_each random_entries entries_of_two_threads
    }
    filter {
        accept_and_reject the_kernel_filters the_kernel_refuses
        the_kernel_refuses_the_second packets_in_the_ring a_full_ring rejected_do_not_count
        rejected_end_a_read rejected_without_timeout
        changed_in_the_callback the_program_cuts the_program_cuts_large_frames
        set_after_the_interface_went_down invalid_programs
        the_program_is_copied long_programs without_privileges compile
    }
    filter_verdicts {
        kernel_loads_in_userland network_offset_in_userland cooked_sll cooked_sll2
        cooked_length cooked_in_the_kernel
    }
    findalldevs {
        flags loopback_down order ipv4_addresses address_labels ipv6_addresses
        link_addresses point_to_point many_devices without_privileges lookupnet lookupdev
    }
    interface {
        down_and_up down_and_up_while_blocked spinning interface_deleted packets_before_deletion
        loopback_once directions inject inject_cooked stats_accumulate stats_count_drops
        stats_of_the_interface stats_in_a_signal_handler closed_in_a_signal_handler stats_in_a_signal_handler_of_malloc
        promiscuous_mode one_protocol two_handles name_that_is_no_utf8 thousand_handles
    }
    linktype {
        arphrd_to_dlt arphrd_to_dlt_immediate can_identifier can_sent_frames
        cooked_device_lists_sll
        other_lists
    }
    linux_batch {
        sizes block_edges facts_of_each changed_packets mixed_with_other_reads descriptor
        waits_and_breaks all_rejected savefiles refusals
    }
    linux_environment {
        ring socket_options time_stamps network_namespace fanout fanout_program fanout_ebpf
        mistakes other_handles privileged_programs
    }
    linux_facts {
        packet_types vlan_tags any_device link_type_changes tun_devices too_large_for_a_frame
        losing checksums_not_ready stamped_on_arrival tcp_segments until_the_next_read sizes_of_the_structure
        without_a_kernel
    }
    linux_fanout {
        hash lb rnd cpu qm rollover rollover_flag defrag cbpf cbpf_by_expression cbpf_cooked ebpf
        ignore_outgoing loopback
    }
    linux_fanout_group {
        numbers nonsense mismatch mismatch_with_another_process poorer_kernels full program_of_the_group members
        group_fails group_warns group_returns_what_activation_does joining group_under_traffic beside_a_group
    }
    linux_membership {
        multicast_groups all_multicasts promiscuous_mode further_addresses by_the_environment
        nonsense
    }
    linux_netns {
        devices_of_the_same_name namespace_that_is_left devices_that_are_in_one_only any_device
        promiscuous_mode_there drops_of_the_interface cooked_device wireless_device
        interface_going_away what_is_no_namespace without_privileges time_stamp_types
        cancelled_threads fanout_groups
    }
    linux_options {
        ignore_outgoing busy_poll options_of_any_socket
    }
    linux_ring {
        defaults sizes_are_rounded versions versions_that_are_missing less_memory_than_asked
        frames_that_are_too_small blocks_that_are_too_small block_timeout immediate_blocks
        receive_hash nonsense
    }
    linux_stats {
        add_up taken_back in_the_callback loopback_copies overrun in_a_signal_handler
        by_another_thread of_the_interface refusals
    }
    linux_send {
        contents_and_order queues malformed_queues refusals frames_that_the_device_refuses
        interface_goes_down timing breaks back_pressure breaks_under_back_pressure
        other_threads interface_is_renamed cancelled_while_it_is_closed qdisc_bypass
    }
    linux_send_ring {
        ring_with_loss children_send_too receiving_beside rings_of_other_kernels rings_that_cannot_be_had
    }
    linux_send_xdp {
        drops many unseen children one_of_an_interface large_packets no_ethernet other_namespaces
        kernels_without by_the_environment
    }
    names {
        addresses_of_hosts addresses_stay_until_the_next_call networks protocols long_entries
        ports port_ranges random_port_ranges ethers_of_hosts long_names no_databases
    }
    null {
        no_handle_setup no_handle_reading no_handle_asking no_handle_compiling_and_dumping
        arguments_of_created arguments_of_dead arguments_of_live opening devices dumping
        filters names remote
    }
    offline {
        next_ex next_packet loop_counts dispatch_counts break_in_the_callback
        break_before_the_read refusals facts opening stream_of_the_caller stream_in_the_middle
        growing close_in_callback another_file_in_the_callback filters nulls
    }
    offline_filter {
        run_often memory_is_the_callers in_threads in_a_signal_handler unloaded
        without_machine_code
    }
    packets {
        snaplens large_frames frames_above_the_first_mtu
        large_frames_of_an_interface_that_went_down time_stamps
    }
    panic {
        injected_panic
    }
    read {
        loop_counts loop_without_count dispatch_counts dispatch_takes_the_buffer
        dispatch_blocking next_packet next_ex_v3 next_ex_v2 next_ex_v1 next_ex_recvmsg
        next_ex_data_stays reads_mixed nonblocking negative_timeout blocking_again
        select_by_poll select_after_counted_read select_by_epoll timeout_bounds_delivery
        immediate_is_at_once no_timeout_waits_for_a_block signals_do_not_end_a_read
    }
    shim_cases {
        plain_is_v3 immediate_is_v2 no_v3_header_is_v2 v3_refused_is_v2 no_v2_either_is_v1
        immediate_without_v2_is_v1 options_unknown_is_v1 no_ring_is_recvmsg
        no_packet_mmap_is_recvmsg no_packet_mmap_immediate no_auxdata
        memory_short_shrinks_v3 memory_short_shrinks_v2 memory_short_shrinks_v1 no_memory_v3
        no_memory_v2 no_memory_v1 ring_refused_otherwise mmap_fails mmap_fails_v2
        socket_not_permitted socket_access_denied no_packet_sockets no_descriptor_left
        bind_net_down bind_no_device promisc_refused auxdata_refused stats_refused
        open_live_says_why
    }
    states {
        created_calls created_getters created_nonblock created_compile_and_dump
        created_settings activated_settings dead_settings dead_calls dead_getters
        live_getters live_refusals activate_errors activate_any_promisc_warns
        activate_snaplens activate_buffer_sizes activate_timeouts activate_tstamps
        activate_again_after_failure open_live open_live_without_permission status_texts
        texts_of_two_threads
    }
    tstamp {
        types_of_a_device stamps_of_the_hardware stamps_that_are_refused
    }
    vlan {
        tags_come_back tags_by_next_ex tags_going_out tags_for_two_handles tags_and_snaplen
        tags_and_kernel_snaplen cooked_sll cooked_sll2 cooked_llc cooked_switch
        cooked_snaplen cooked_tag
    }
}

#[test]
fn every_case_is_listed() {
    for (program, cases) in PROGRAMS {
        let output = Command::new(compiled(program))
            .arg("--list")
            .env("LD_LIBRARY_PATH", lib_dir())
            .output();
        let output = output.expect("run --list");
        let listed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(listed.lines().collect::<Vec<_>>(), *cases, "the cases of {program}");
    }
}

#[test]
fn every_program_is_listed() {
    // Without cases: other tests use them.
    let others = ["layout", "consumer", "shim"];
    let mut names: Vec<String> = fs::read_dir(source_dir())
        .expect("capi-tests/")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "c" || e == "cc"))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .filter(|name| !others.contains(&name.as_str()))
        .collect();
    names.sort();
    let mut listed: Vec<&str> = PROGRAMS.iter().map(|(program, _)| *program).collect();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn every_export_is_tried_with_null() {
    let read = |name| fs::read_to_string(source_dir().join(name)).expect("read the source");
    let (exports, null) = (read("exports.txt"), read("null.c"));
    let data = ["eproto_db", "pcap_version"];
    let functions = exports.lines().map(str::trim).filter(|name| !data.contains(name));
    let missing: Vec<&str> = functions.filter(|name| !null.contains(&format!("{name}("))).collect();
    assert!(missing.is_empty(), "null.c does not call {missing:?}");
}

/// Valgrind finds no error and no definite leak in these, case by case. The timing cases of the others would
/// only measure valgrind.
macro_rules! under_valgrind {
    ($($program:ident)*) => {
        mod valgrind {
            $(#[test]
            fn $program() {
                super::valgrind_finds_nothing(stringify!($program));
            })*
        }
    };
}

under_valgrind! {
    append boundary boundary_cxx compile documented dump dump_errors ethers filter findalldevs
    linktype linux_batch linux_environment linux_facts linux_fanout linux_fanout_group
    linux_membership linux_netns linux_options linux_ring linux_send linux_send_ring linux_send_xdp linux_stats
    names offline offline_filter packets shim_cases states tstamp vlan
}

fn valgrind_finds_nothing(program: &str) {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skipped("valgrind", "it is not installed");
    }
    let cases = PROGRAMS.iter().find(|(name, _)| *name == program).map_or(&[][..], |(_, c)| c);
    assert!(!cases.is_empty(), "{program} is not listed");
    let mut failures = Vec::new();
    for case in cases {
        let output = Command::new("valgrind")
            .args(["-q", "--fair-sched=try", "--error-exitcode=9", "--leak-check=full"])
            .args(["--errors-for-leak-kinds=definite", "--show-leak-kinds=definite"])
            .arg(compiled(program))
            .arg(case)
            .env("CAPI_VALGRIND", "1")
            .env("CAPI_MODES", "3")
            .env_remove("CAPI_WATCHED")
            .env("LD_LIBRARY_PATH", lib_dir())
            .env("LD_PRELOAD", shim())
            .output()
            .expect("run valgrind");
        match output.status.code() {
            // A case that is skipped says so in its own test.
            Some(0 | SKIPPED) => {}
            _ => failures.push(format!("{program}::{case}: {}", text(&output))),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs one case in a process of its own and fails with what it wrote.
fn run_case(program: &str, case: &str) {
    let dir = if program == "panic" { panicking_lib_dir() } else { lib_dir() };
    let output = Command::new(compiled(program))
        .arg(case)
        .env("LD_LIBRARY_PATH", dir)
        .env("LD_PRELOAD", shim())
        .env("CAPI_WATCHED", Watched::begin(program, case))
        .output()
        .expect("run the case");
    let code = output.status.code();
    if code != Some(0) {
        Watched::forget(program, case);
    }
    match code {
        Some(0) => does_what_is_said(program, case),
        Some(SKIPPED) => skipped(&format!("{program}::{case}"), &text(&output)),
        _ => panic!("{}\n{}", output.status, text(&output)),
    }
}

/// Whether it is this project's library and headers that are tested: with those of others less is watched, and
/// other things are so.
fn is_ours() -> bool {
    static OURS: OnceLock<bool> = OnceLock::new();
    *OURS.get_or_init(|| {
        let library = fs::read(library::library()).expect("read the library");
        let exports_ours = String::from_utf8_lossy(&library).contains("pcap_packet_facts_linux");
        exports_ours && env::var_os("PCAP_INCLUDE_DIR").is_none()
    })
}

/// Fails if docs/functions.md says of a case what it did not do.
fn does_what_is_said(program: &str, case: &str) {
    static CLAIMS: OnceLock<Vec<Claim>> = OnceLock::new();
    if !is_ours() {
        return Watched::forget(program, case);
    }
    let watched = Watched::of(program, case).expect("what the case did");
    let own = CLAIMS.get_or_init(watched::claims).iter();
    let own = own.filter(|claim| claim.case.0 == program && claim.case.1 == case);
    let wrong: Vec<_> = own.filter(|claim| !claim.holds(&watched)).collect();
    let how = "how to write it anew is said there";
    assert!(wrong.is_empty(), "docs/functions.md says this of it, and is wrong ({how}): {wrong:?}");
}

#[test]
fn documented_cases_are_there() {
    let is_listed = |Case(program, case): &Case| {
        let listed = PROGRAMS.iter().find(|(listed, _)| listed == program);
        listed.is_some_and(|(_, cases)| cases.contains(&case.as_str()))
    };
    for case in Watched::cases().iter().filter(|case| !is_listed(case)) {
        Watched::forget(&case.0, &case.1);
    }
    let claims = watched::claims();
    assert!(claims.len() > 400, "{} claims", claims.len());
    for Claim { case, .. } in claims {
        assert!(is_listed(&case), "no {case}");
    }
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).trim_end().to_owned()
}

/// Notes a skip where it is seen even when the test passes.
fn skipped(what: &str, why: &str) {
    assert!(env::var_os("CAPI_NO_SKIP").is_none(), "{what} would be skipped: {why}");
    let line = format!("{what}: {}\n", why.replace('\n', "; "));
    let _ = std::io::stderr().write_all(format!("skipped: {line}").as_bytes());
    if let Some(path) = env::var_os("LIBPCAP_RS_SKIPS") {
        let log = OpenOptions::new().create(true).append(true).open(path);
        log.and_then(|mut log| log.write_all(line.as_bytes())).expect("write LIBPCAP_RS_SKIPS");
    }
}

fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("capi-tests")
}

fn build_dir() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capi");
    fs::create_dir_all(&dir).expect("make the build directory");
    dir
}

/// A directory that has a library under each name that a program may ask for.
fn with_sonames(name: &str, library: &Path) -> PathBuf {
    let library = fs::canonicalize(library).expect("libpcap.so");
    let dir = build_dir().join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("make the library directory");
    for name in ["libpcap.so", "libpcap.so.0.8", "libpcap.so.1"] {
        symlink(&library, dir.join(name)).expect("link the library");
    }
    dir
}

fn lib_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| with_sonames("lib", &library::library()))
}

/// The library that panics on request.
fn panicking_lib_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("inject-panic");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--release", "--lib", "--features", "inject-panic", "--target-dir"]);
        library::run(build.arg(&target).current_dir(library::root()));
        with_sonames("panicking", &target.join("release/libpcap.so"))
    })
}

fn cc() -> String {
    env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let library = build_dir().join("shim.so");
        let mut compile = Command::new(cc());
        compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-shared", "-fPIC"]);
        library::run(compile.arg(source_dir().join("shim.c")).arg("-o").arg(&library).arg("-ldl"));
        library
    })
}

/// The header by which programs note down what they call.
fn watching() -> &'static Path {
    static HEADER: OnceLock<PathBuf> = OnceLock::new();
    HEADER.get_or_init(|| {
        let path = build_dir().join("watched.h");
        fs::write(&path, watched::header()).expect("write the header");
        path
    })
}

/// The program, compiled and linked by the first test that asks for it.
fn compiled(program: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry(program.to_owned()).or_insert_with(|| compile(program)).clone()
}

fn compile(program: &str) -> PathBuf {
    let executable = build_dir().join(program);
    let include = env::var_os("PCAP_INCLUDE_DIR").map(PathBuf::from);
    let include = include.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("include"));
    let cxx = source_dir().join(format!("{program}.cc"));
    let mut command = if cxx.exists() {
        let mut command = Command::new(env::var("CXX").unwrap_or_else(|_| "c++".to_owned()));
        command.args(["-std=c++17"]).arg(cxx);
        command
    } else {
        let mut command = Command::new(cc());
        command.args(["-std=c11"]).arg(source_dir().join(format!("{program}.c")));
        command
    };
    command.args(["-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fPIE", "-pie"]);
    command.arg("-I").arg(&include).arg("-o").arg(&executable);
    // The headers of others lack functions that would be watched.
    if env::var_os("PCAP_INCLUDE_DIR").is_none() {
        command.arg("-include").arg(watching()).arg("-I").arg(source_dir());
    }
    // A program that the loader does not let LD_LIBRARY_PATH be told finds the library, too.
    command.arg(format!("-Wl,--enable-new-dtags,-rpath,{}", lib_dir().display()));
    library::run(command.arg("-L").arg(lib_dir()).args(["-lpcap", "-lpthread"]));
    executable
}
