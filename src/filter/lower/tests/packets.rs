//! Packets that libpcap is wrong about, or that it has no filters for.

use super::{DEAD, LIVE, wants};
use crate::bpf::Meta;
use crate::linktype::dlt;

/// Puts parts together.
fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// IPv4 with options from 10.0.0.1 to 10.0.0.2.
fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let head = [0x46, 0, 0, 60, 0, 0, 0, 0, 64, protocol, 0, 0];
    join(&[&head, &[10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0], payload])
}

/// IPv6 from ::1 to ::2.
fn ip6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut head = [0; 40];
    (head[0], head[6], head[23], head[39]) = (0x60, protocol, 1, 2);
    join(&[&head, payload])
}

fn udp(to: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[0x30, 0x39], &to.to_be_bytes(), &[0; 4], payload])
}

/// TCP from 12345 to 80.
fn tcp() -> Vec<u8> {
    join(&[&[0x30, 0x39, 0, 80], &[0; 16]])
}

/// Ethernet from 0:0:0:0:0:2 to a group.
fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let head = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2];
    join(&[&head, &ethertype.to_be_bytes(), payload])
}

/// Geneve with eight bytes of options, in network 5.
fn geneve(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    udp(6081, &join(&[&[2, 0], &ethertype.to_be_bytes(), &[0, 0, 5, 0], &[9; 8], payload]))
}

/// VXLAN in network 7.
fn vxlan(payload: &[u8]) -> Vec<u8> {
    udp(4789, &join(&[&[8, 0, 0, 0, 0, 0, 7, 0], payload]))
}

/// A data frame with QoS behind a radiotap header, whose flags may say that a byte makes 9 + 26 whole words.
fn radiotap(flags: u8, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let radio = [0, 0, 9, 0, 2, 0, 0, 0, flags];
    let control = [0x88, 0];
    let padding = vec![0; (flags >> 5 & 1).into()];
    let snap = join(&[&[0xaa, 0xaa, 3, 0, 0, 0], &ethertype.to_be_bytes()]);
    join(&[&radio, &control, &[0; 24], &padding, &snap, payload])
}

fn check(dlt: i32, packet: &[u8], cases: &[(&str, bool)]) {
    for &(text, want) in cases {
        assert_eq!(wants(dlt, DEAD, text, packet, None), want, "{dlt} {text}");
    }
}

#[test]
fn order_does_not_matter_behind_headers_of_varying_length() {
    let packet = radiotap(0, 0x800, &ip4(6, &tcp()));
    for text in [
        "len > 50 and ip",
        "ip and len > 50",
        "link[0] = 0x88 and tcp port 80",
        "tcp port 80 and link[0] = 0x88",
        "radio[8] = 0 and dst port 80 and ip[0] = 0x46",
    ] {
        assert!(wants(dlt::IEEE802_11_RADIO, DEAD, text, &packet, None), "{text}");
    }
}

#[test]
fn padding_behind_802_11_headers() {
    let packet = radiotap(0x20, 0x800, &ip4(6, &tcp()));
    check(dlt::IEEE802_11_RADIO, &packet, &[("tcp port 80", true), ("ip6", false)]);
}

#[test]
fn tunnels() {
    let in_ethernet = [
        ("geneve", true),
        ("geneve 5", true),
        ("geneve 6", false),
        ("geneve and tcp port 80", true),
        ("geneve and src host 10.0.0.1 and ip[0] = 0x46", true),
        ("geneve and ether src 00:00:00:00:00:02", true),
        ("geneve and multicast", true),
        ("geneve and ip6", false),
        ("vxlan", false),
        ("geneve 6 or tcp", true),
        ("vxlan or ip", false),
    ];
    let inner = ethernet(0x800, &ip4(6, &tcp()));
    for outer in [ip4(17, &geneve(0x6558, &inner)), ip6(17, &geneve(0x6558, &inner))] {
        check(dlt::RAW, &outer, &in_ethernet);
    }
    let bare = ethernet(0x800, &ip4(17, &geneve(0x86dd, &ip6(6, &tcp()))));
    let cases = [
        ("geneve and ip6 and tcp port 80", true),
        ("geneve and ip6[6] = 6", true),
        ("geneve and ip", false),
        ("geneve and multicast", false),
        ("geneve and not ether src 00:00:00:00:00:00", true),
    ];
    check(dlt::EN10MB, &bare, &cases);
    let vxlan = radiotap(
        0,
        0x800,
        &ip4(17, &vxlan(&ethernet(0x86dd, &ip6(17, &geneve(0x800, &ip4(6, &tcp())))))),
    );
    let cases = [
        ("vxlan 7 and ip6", true),
        ("vxlan 8", false),
        ("vxlan and geneve and ip and tcp dst port 80", true),
        ("vxlan and len > 0 and geneve 5 and ip[0] = 0x46", true),
        ("vxlan and ip", false),
    ];
    check(dlt::IEEE802_11_RADIO, &vxlan, &cases);
}

#[test]
fn labels_end_where_a_tunnel_begins() {
    let inner = ethernet(0x8100, &join(&[&[0, 5, 8, 0], &ip4(6, &tcp())]));
    let labelled = join(&[&[0, 0, 0x50, 0, 0, 0, 0x61, 64], &ip4(17, &vxlan(&inner))]);
    let cases = [
        ("mpls 5 and mpls 6 and ip", true),
        ("mpls 5 and ip", false),
        ("mpls and mpls and vxlan and vlan 5 and tcp", true),
        ("mpls and mpls and vxlan and vlan 6", false),
    ];
    check(dlt::EN10MB, &ethernet(0x8847, &labelled), &cases);
}

#[test]
fn pppoe_behind_802_11() {
    let session = join(&[&[0x11, 0, 0, 9, 0, 60, 0, 0x21], &ip4(6, &tcp())]);
    let packet = radiotap(0, 0x8864, &session);
    let cases = [
        ("pppoes", true),
        ("pppoes 9 and ip and dst port 80", true),
        ("pppoes 8", false),
        ("len > 1 and pppoes and ip[0] = 0x46", true),
        ("pppoes and ip6", false),
    ];
    check(dlt::IEEE802_11_RADIO, &packet, &cases);
}

#[test]
fn tags_of_cooked_packets() {
    let tail = join(&[&[0, 5, 0x81, 0], &[0, 6, 8, 0], &ip4(6, &tcp())]);
    let sll = join(&[&[0; 14], &[0x88, 0xa8], &tail]);
    let sll2 = join(&[&[0x88, 0xa8], &[0; 18], &tail]);
    let plain = join(&[&[0; 14], &[8, 0], &ip4(6, &tcp())]);
    let cases = [
        ("vlan", true),
        ("vlan 5", true),
        ("vlan 6", false),
        ("vlan 5 and vlan 6 and tcp port 80", true),
        ("vlan and ip", false),
        ("ip", false),
    ];
    check(dlt::LINUX_SLL, &sll, &cases);
    check(dlt::LINUX_SLL2, &sll2, &cases);
    check(dlt::LINUX_SLL, &plain, &[("vlan", false), ("not vlan", true), ("ip", true)]);
}

#[test]
fn tags_that_the_kernel_took_out() {
    let inner = join(&[&[0x60, 6, 8, 0], &ip4(6, &tcp())]);
    let meta = Meta { vlan_present: true, vlan_tci: 0xe005, ..Meta::default() };
    let cooked = join(&[&[0x81, 0], &[0; 18], &inner]);
    let packets = [(dlt::EN10MB, ethernet(0x8100, &inner)), (dlt::LINUX_SLL2, cooked)];
    for (dlt, packet) in packets {
        for (text, with, without) in [
            ("vlan", true, true),
            ("vlan 5", true, false),
            ("vlan 6", false, true),
            ("vlan and tcp port 80", false, true),
            ("vlan 5 and vlan 6 and tcp port 80", true, false),
            ("len > 0 and vlan and vlan and ip", true, false),
        ] {
            assert_eq!(wants(dlt, LIVE, text, &packet, Some(&meta)), with, "{dlt} {text}");
            let none = Meta::default();
            assert_eq!(wants(dlt, LIVE, text, &packet, Some(&none)), without, "{dlt} {text}");
        }
    }
}

#[test]
fn offsets_do_not_wrap() {
    let packet = radiotap(0, 0x800, &ip4(6, &tcp()));
    let cases = [
        ("link[0xffffffff] >= 0", false),
        ("not link[0xffffffff] = 0", false),
        ("tcp[-1] >= 0", false),
        ("tcp[0] >= 0", true),
        ("tcp[len - 1000] >= 0", false),
        ("tcp[len - len] = 0x30", true),
        ("byte 4294967295 = 0", false),
        ("radio[0] = 0 and not byte 4294967295 = 0", false),
    ];
    check(dlt::IEEE802_11_RADIO, &packet, &cases);
    check(dlt::RAW, &ip4(6, &tcp()), &[("tcp[-1] >= 0", false), ("ip[len - 1] = 0", true)]);
}

#[test]
fn payloads_that_nobody_knows_the_place_of() {
    let packet = join(&[&[0x4d, 0x47, 0x43, 1], &ip4(6, &tcp())]);
    let cases = [
        ("ip", true),
        ("inbound", true),
        ("ip[0] >= 0", false),
        ("not ip[0] >= 0", false),
        ("tcp", false),
        ("protochain 6", false),
    ];
    check(dlt::JUNIPER_ES, &packet, &cases);
}

#[test]
fn both_operands_need_their_protocols() {
    let packet = ethernet(0x806, &[1; 40]);
    let cases = [
        ("ip[0] + 1 = 2", false),
        ("1 + ip[0] = 2", false),
        ("1 + arp[0] = 2", true),
        ("arp[ip[0]] = 1", false),
        ("1 / arp[0] = 1", true),
    ];
    check(dlt::EN10MB, &packet, &cases);
}

#[test]
fn chains() {
    // Hop-by-hop options, authentication, TCP.
    let options = [51, 0, 1, 4, 0, 0, 0, 0];
    let authentication = join(&[&[6, 4], &[0; 22]]);
    let packet = ip6(0, &join(&[&options, &authentication, &tcp()]));
    let cases = [
        ("protochain 6", true),
        ("ip6 protochain 51", true),
        ("ip6 protochain 0", true),
        ("ip6 protochain 17", false),
        ("ip protochain 6", false),
        ("tcp", false),
    ];
    check(dlt::RAW, &packet, &cases);
}

#[test]
fn ppi_of_another_type() {
    let frame = &radiotap(0, 0x800, &ip4(6, &tcp()))[9..];
    let ppi = |inner| join(&[&[0, 0, 8, 0, inner, 0, 0, 0], frame]);
    let cases = [("tcp port 80", true), ("len > 0", true), ("type data", true), ("not ip6", true)];
    check(dlt::PPI, &ppi(105), &cases);
    let cases = cases.map(|(text, _)| (text, false));
    check(dlt::PPI, &ppi(1), &cases);
}
