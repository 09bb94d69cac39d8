//! The calls that are measured: functions of the C interface, with what undoes them where that is needed.

use crate::side::Arg::{
    Callback, Created, Dead, Dumper, Errbuf, Filter, Header, InsnCount, Insns, Live, N, NewFilter,
    Offline, Out, Out2, Packet, ReadName, Returned, Stored, T, WriteName,
};
use crate::side::{Arg, Step};

const NO_NETMASK: Arg = N(0xffff_ffff);

/// A name, and what is done.
#[rustfmt::skip]
pub const CALLS: &[(&str, &[Step])] = &[
    // Texts and numbers.
    ("lib_version", &[(c"pcap_lib_version", &[])]),
    ("statustostr", &[(c"pcap_statustostr", &[N(-8)])]),
    ("statustostr unknown", &[(c"pcap_statustostr", &[N(-99)])]),
    ("strerror", &[(c"pcap_strerror", &[N(2)])]),
    ("geterr", &[(c"pcap_geterr", &[Dead])]),
    ("datalink_name_to_val first", &[(c"pcap_datalink_name_to_val", &[T(c"EN10MB")])]),
    ("datalink_name_to_val late", &[(c"pcap_datalink_name_to_val", &[T(c"linux_sll2")])]),
    ("datalink_name_to_val none", &[(c"pcap_datalink_name_to_val", &[T(c"nothing")])]),
    ("datalink_val_to_name", &[(c"pcap_datalink_val_to_name", &[N(113)])]),
    ("datalink_val_to_name late", &[(c"pcap_datalink_val_to_name", &[N(276)])]),
    ("datalink_val_to_description", &[(c"pcap_datalink_val_to_description", &[N(113)])]),
    ("datalink_val_to_description_or_dlt", &[(c"pcap_datalink_val_to_description_or_dlt", &[N(1)])]),
    ("datalink_val_to_description_or_dlt none", &[(c"pcap_datalink_val_to_description_or_dlt", &[N(9999)])]),
    ("tstamp_type_name_to_val", &[(c"pcap_tstamp_type_name_to_val", &[T(c"adapter_unsynced")])]),
    ("tstamp_type_val_to_name", &[(c"pcap_tstamp_type_val_to_name", &[N(3)])]),
    ("tstamp_type_val_to_description", &[(c"pcap_tstamp_type_val_to_description", &[N(3)])]),
    // Names.
    ("nametoaddr address", &[(c"pcap_nametoaddr", &[T(c"127.0.0.1")])]),
    ("nametoaddrinfo address", &[(c"pcap_nametoaddrinfo", &[T(c"127.0.0.1")]), (c"freeaddrinfo", &[Returned])]),
    ("nametoaddrinfo localhost", &[(c"pcap_nametoaddrinfo", &[T(c"localhost")]), (c"freeaddrinfo", &[Returned])]),
    ("nametonetaddr", &[(c"pcap_nametonetaddr", &[T(c"loopback")])]),
    ("nametoport first", &[(c"pcap_nametoport", &[T(c"ssh"), Out, Out2])]),
    ("nametoport late", &[(c"pcap_nametoport", &[T(c"ircd"), Out, Out2])]),
    ("nametoport number", &[(c"pcap_nametoport", &[T(c"8080"), Out, Out2])]),
    ("nametoport none", &[(c"pcap_nametoport", &[T(c"no-such-port"), Out, Out2])]),
    ("nametoportrange", &[(c"pcap_nametoportrange", &[T(c"80-443"), Out, Out2, Out2])]),
    ("nametoproto", &[(c"pcap_nametoproto", &[T(c"tcp")])]),
    ("nametoproto none", &[(c"pcap_nametoproto", &[T(c"no-such-protocol")])]),
    ("nametoeproto", &[(c"pcap_nametoeproto", &[T(c"ip6")])]),
    ("nametoeproto none", &[(c"pcap_nametoeproto", &[T(c"nothing")])]),
    ("nametollc", &[(c"pcap_nametollc", &[T(c"stp")])]),
    ("ether_aton", &[(c"pcap_ether_aton", &[T(c"00:11:22:aa:bb:cc")]), (c"free", &[Returned])]),
    ("ether_hostton none", &[(c"pcap_ether_hostton", &[T(c"no-such-host")])]),
    // Handles of no source.
    ("open_dead, close", &[(c"pcap_open_dead", &[N(1), N(65_535)]), (c"pcap_close", &[Returned])]),
    ("open_dead_with_tstamp_precision, close", &[
        (c"pcap_open_dead_with_tstamp_precision", &[N(1), N(65_535), N(1)]), (c"pcap_close", &[Returned])]),
    ("datalink", &[(c"pcap_datalink", &[Dead])]),
    ("datalink_ext", &[(c"pcap_datalink_ext", &[Dead])]),
    ("snapshot", &[(c"pcap_snapshot", &[Dead])]),
    ("list_datalinks", &[(c"pcap_list_datalinks", &[Live, Out]), (c"pcap_free_datalinks", &[Stored])]),
    ("set_datalink", &[(c"pcap_set_datalink", &[Live, N(1)])]),
    // Options.
    ("create, close", &[(c"pcap_create", &[T(c"lo"), Errbuf]), (c"pcap_close", &[Returned])]),
    ("set_snaplen", &[(c"pcap_set_snaplen", &[Created, N(100)])]),
    ("set_promisc", &[(c"pcap_set_promisc", &[Created, N(0)])]),
    ("set_rfmon", &[(c"pcap_set_rfmon", &[Created, N(0)])]),
    ("can_set_rfmon", &[(c"pcap_can_set_rfmon", &[Created])]),
    ("set_timeout", &[(c"pcap_set_timeout", &[Created, N(10)])]),
    ("set_immediate_mode", &[(c"pcap_set_immediate_mode", &[Created, N(0)])]),
    ("set_buffer_size", &[(c"pcap_set_buffer_size", &[Created, N(1 << 20)])]),
    ("set_tstamp_type", &[(c"pcap_set_tstamp_type", &[Created, N(0)])]),
    ("set_tstamp_precision", &[(c"pcap_set_tstamp_precision", &[Created, N(0)])]),
    ("get_tstamp_precision", &[(c"pcap_get_tstamp_precision", &[Created])]),
    ("list_tstamp_types", &[(c"pcap_list_tstamp_types", &[Created, Out]), (c"pcap_free_tstamp_types", &[Stored])]),
    ("set_protocol_linux", &[(c"pcap_set_protocol_linux", &[Created, N(0)])]),
    ("set_snaplen too late", &[(c"pcap_set_snaplen", &[Live, N(100)])]),
    ("stats too early", &[(c"pcap_stats", &[Created, Out])]),
    // Live.
    ("open_live, close", &[
        (c"pcap_open_live", &[T(c"lo"), N(65_535), N(0), N(10), Errbuf]), (c"pcap_close", &[Returned])]),
    ("open_live of no device", &[(c"pcap_open_live", &[T(c"none0"), N(65_535), N(0), N(10), Errbuf])]),
    ("stats", &[(c"pcap_stats", &[Live, Out])]),
    ("setfilter", &[(c"pcap_setfilter", &[Live, Filter])]),
    ("setdirection", &[(c"pcap_setdirection", &[Live, N(0)])]),
    ("getnonblock", &[(c"pcap_getnonblock", &[Live, Errbuf])]),
    ("setnonblock", &[(c"pcap_setnonblock", &[Live, N(1), Errbuf])]),
    ("dispatch of nothing", &[(c"pcap_dispatch", &[Live, N(-1), Callback, N(0)])]),
    ("next_ex of nothing", &[(c"pcap_next_ex", &[Live, Out, Out2])]),
    ("fileno", &[(c"pcap_fileno", &[Live])]),
    ("get_selectable_fd", &[(c"pcap_get_selectable_fd", &[Live])]),
    ("get_required_select_timeout", &[(c"pcap_get_required_select_timeout", &[Live])]),
    ("bufsize", &[(c"pcap_bufsize", &[Live])]),
    ("is_swapped", &[(c"pcap_is_swapped", &[Offline])]),
    ("major_version", &[(c"pcap_major_version", &[Offline])]),
    ("minor_version", &[(c"pcap_minor_version", &[Offline])]),
    ("inject", &[(c"pcap_inject", &[Live, Packet, N(60)])]),
    ("sendpacket", &[(c"pcap_sendpacket", &[Live, Packet, N(60)])]),
    ("dispatch, with a descriptor", &[(c"pcap_dispatch", &[Live, N(-1), Callback, N(0)])]),
    ("next_ex, with a descriptor", &[(c"pcap_next_ex", &[Live, Out, Out2])]),
    ("breakloop, dispatch", &[
        (c"pcap_breakloop", &[Live]), (c"pcap_dispatch", &[Live, N(-1), Callback, N(0)])]),
    // Devices.
    ("findalldevs, freealldevs", &[(c"pcap_findalldevs", &[Out, Errbuf]), (c"pcap_freealldevs", &[Stored])]),
    ("lookupdev", &[(c"pcap_lookupdev", &[Errbuf])]),
    ("lookupnet", &[(c"pcap_lookupnet", &[T(c"lo"), Out, Out2, Errbuf])]),
    ("lookupnet of no device", &[(c"pcap_lookupnet", &[T(c"none0"), Out, Out2, Errbuf])]),
    // Savefiles.
    ("open_offline, close", &[(c"pcap_open_offline", &[ReadName, Errbuf]), (c"pcap_close", &[Returned])]),
    ("open_offline_with_tstamp_precision, close", &[
        (c"pcap_open_offline_with_tstamp_precision", &[ReadName, N(1), Errbuf]), (c"pcap_close", &[Returned])]),
    ("fopen, fopen_offline, close", &[
        (c"fopen", &[ReadName, T(c"r")]), (c"pcap_fopen_offline", &[Returned, Errbuf]), (c"pcap_close", &[Returned])]),
    ("open_offline of no file", &[(c"pcap_open_offline", &[T(c"/nothing"), Errbuf])]),
    ("next at the end", &[(c"pcap_next", &[Offline, Out])]),
    ("loop at the end", &[(c"pcap_loop", &[Offline, N(-1), Callback, N(0)])]),
    ("next_ex at the end", &[(c"pcap_next_ex", &[Offline, Out, Out2])]),
    ("setfilter offline", &[(c"pcap_setfilter", &[Offline, Filter])]),
    ("dump_open, dump_close", &[(c"pcap_dump_open", &[Dead, WriteName]), (c"pcap_dump_close", &[Returned])]),
    ("dump_open_append, dump_close", &[
        (c"pcap_dump_open_append", &[Dead, ReadName]), (c"pcap_dump_close", &[Returned])]),
    ("fopen, dump_fopen, dump_close", &[
        (c"fopen", &[WriteName, T(c"w")]), (c"pcap_dump_fopen", &[Dead, Returned]), (c"pcap_dump_close", &[Returned])]),
    ("dump", &[(c"pcap_dump", &[Dumper, Header, Packet])]),
    ("dump_ftell", &[(c"pcap_dump_ftell", &[Dumper])]),
    ("dump_ftell64", &[(c"pcap_dump_ftell64", &[Dumper])]),
    ("dump_flush", &[(c"pcap_dump_flush", &[Dumper])]),
    ("dump_file", &[(c"pcap_dump_file", &[Dumper])]),
    ("file", &[(c"pcap_file", &[Offline])]),
    // Filters.
    ("compile nothing", &[
        (c"pcap_compile", &[Dead, NewFilter, T(c""), N(1), NO_NETMASK]), (c"pcap_freecode", &[NewFilter])]),
    ("compile tcp port 80", &[
        (c"pcap_compile", &[Dead, NewFilter, T(c"tcp port 80"), N(1), NO_NETMASK]), (c"pcap_freecode", &[NewFilter])]),
    ("compile host", &[
        (c"pcap_compile", &[Dead, NewFilter, T(c"host 10.0.0.1 and not port 22"), N(1), NO_NETMASK]),
        (c"pcap_freecode", &[NewFilter])]),
    ("compile a mistake", &[(c"pcap_compile", &[Dead, NewFilter, T(c"tcp prt 80"), N(1), NO_NETMASK])]),
    ("compile_nopcap", &[
        (c"pcap_compile_nopcap", &[N(65_535), N(1), NewFilter, T(c"ip"), N(1), NO_NETMASK]),
        (c"pcap_freecode", &[NewFilter])]),
    ("offline_filter", &[(c"pcap_offline_filter", &[Filter, Header, Packet])]),
    ("bpf_filter", &[(c"bpf_filter", &[Insns, Packet, N(60), N(60)])]),
    ("bpf_validate", &[(c"bpf_validate", &[Insns, InsnCount])]),
    ("bpf_image", &[(c"bpf_image", &[Insns, N(0)])]),
    // Last, for they change what others do.
    ("init", &[(c"pcap_init", &[N(0), Errbuf])]),
    ("lookupdev after init", &[(c"pcap_lookupdev", &[Errbuf])]),
];
