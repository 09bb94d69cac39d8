//! The network layer and above.

use super::pool::Wanted;
use super::{Packets, be16, be32};

/// What a payload is, to the link layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An Ethertype; the payload does not include it.
    Type(u16),
    /// The payload begins with an LLC header.
    Llc,
    /// NetWare's raw 802.3.
    Raw,
}

impl Packets {
    pub(super) fn v4(&mut self) -> [u8; 4] {
        if self.random.once_in(12) {
            return self.random.next().to_be_bytes();
        }
        self.random.favour(&self.pool.v4)
    }

    pub(super) fn v6(&mut self) -> [u8; 16] {
        let mut address = self.random.favour(&self.pool.v6);
        if self.random.once_in(12) {
            address[15] ^= 0x80;
        }
        address
    }

    pub(super) fn mac(&mut self) -> [u8; 6] {
        let mut address = self.random.favour(&self.pool.mac);
        if self.random.once_in(12) {
            address[5] ^= 0x55;
        }
        address
    }

    /// Two of a kind, source and destination, which are the same now and then.
    pub(super) fn ends<T: Clone>(&mut self, one: impl Fn(&mut Self) -> T) -> (T, T) {
        let first = one(self);
        let second = if self.random.once_in(6) { first.clone() } else { one(self) };
        (first, second)
    }

    fn port(&mut self) -> u16 {
        self.random.mostly(&self.pool.ports) as u16
    }

    /// What a link layer may carry: most often IP.
    pub(super) fn network(&mut self, depth: u32) -> (Kind, Vec<u8>) {
        let of = |kind: u16, payload| (Kind::Type(kind), payload);
        if !self.pool.wanted.is_empty() && depth > 0 && self.random.once_in(3) {
            let wanted = self.random.pick(&self.pool.wanted);
            if let Some(wanted) = self.wanted(wanted, depth - 1) {
                return wanted;
            }
        }
        match self.random.below(44) {
            40..=43 | 32 => self.rare(),
            0..=9 => of(0x0800, self.ip4(depth)),
            10..=16 => of(0x86dd, self.ip6(depth)),
            17..=19 => of(0x0806, self.arp()),
            20..=22 => of(0x8035, self.arp()),
            23..=25 if depth > 0 => self.tagged(depth),
            26..=27 if depth > 0 => of(0x8847, self.mpls(depth - 1)),
            28..=29 if depth > 0 => of(0x8864, self.pppoe(depth - 1)),
            30 => {
                let code = self.random.pick(&[9, 7, 0x19, 0x65, 0xa7]);
                of(0x8863, vec![0x11, code, 0, 0, 0, 4, 1, 1, 0, 0])
            }
            31 => of(0x6003, self.decnet()),
            33 => (Kind::Raw, [vec![0xff, 0xff], self.random.bytes(30)].concat()),
            34..=38 => (Kind::Llc, self.llc(depth)),
            _ => {
                // Numbers of service access points, too: they are not told apart everywhere.
                let any = self.random.next() as u16;
                let kind = self.random.pick(&[0x42, 0xfe, 0xe0, 0xf0, 0xaa, 6, any]);
                of(kind, self.random.bytes(30))
            }
        }
    }

    /// What a filter asks for, if the link layer itself carries it.
    fn wanted(&mut self, wanted: Wanted, depth: u32) -> Option<(Kind, Vec<u8>)> {
        Some(match wanted {
            Wanted::Osi => (Kind::Llc, [vec![0xfe, 0xfe, 3], self.osi()].concat()),
            Wanted::Llc => (Kind::Llc, self.llc(depth)),
            Wanted::Vlan => self.tagged(depth + 1),
            Wanted::Mpls => (Kind::Type(0x8847), self.mpls(depth)),
            Wanted::Pppoe => (Kind::Type(0x8864), self.pppoe(depth)),
            Wanted::Type(0x6003) => (Kind::Type(0x6003), self.decnet()),
            Wanted::Type(kind) => (Kind::Type(kind), self.random.bytes(40)),
            Wanted::Geneve | Wanted::Vxlan => return None,
        })
    }

    /// A VLAN tag and what it is on: another one, now and then.
    fn tagged(&mut self, depth: u32) -> (Kind, Vec<u8>) {
        let kind = self.random.pick(&[0x8100, 0x88a8, 0x9100]);
        let tag = self.random.mostly(&self.pool.vlans) as u16
            ^ self.random.pick(&[0, 0, 0x1000, 0x2000, 0xe000]);
        let (inner, payload) = if depth > 1 && self.random.once_in(3) {
            self.tagged(depth - 1)
        } else {
            self.network(depth - 1)
        };
        let field = self.type_or_length(&inner, &payload);
        (Kind::Type(kind), [be16(tag).to_vec(), field, payload].concat())
    }

    /// Protocols of which filters know the number only.
    fn rare(&mut self) -> (Kind, Vec<u8>) {
        let kind = self.random.pick(&[
            0x6001, 0x6002, 0x6004, 0x6007, 0x809b, 0x80f3, 0x8137, 0x88cc, 0x8809, 0x9000, 0x0600,
        ]);
        (Kind::Type(kind), self.random.bytes(40))
    }

    /// The field before the payload in Ethernet and behind a VLAN tag.
    pub(super) fn type_or_length(&mut self, kind: &Kind, payload: &[u8]) -> Vec<u8> {
        match kind {
            Kind::Type(kind) => be16(*kind).to_vec(),
            _ => be16(payload.len().min(1500) as u16).to_vec(),
        }
    }

    /// A payload that begins with an LLC header: SNAP, OSI, or another access point.
    pub(super) fn llc(&mut self, depth: u32) -> Vec<u8> {
        match self.random.below(12) {
            0..=2 => {
                let (kind, payload) = self.network(depth.saturating_sub(1));
                self.snap(&kind, payload)
            }
            3..=5 => [vec![0xfe, 0xfe, 3], self.osi()].concat(),
            6 => [vec![0x42, 0x42, 3], self.random.bytes(35)].concat(),
            7 => [vec![0xf0, 0xf0, 3], self.random.bytes(20)].concat(),
            8 => [vec![0xe0, 0xe0, 3], self.random.bytes(30)].concat(),
            9 => [vec![6, 6, 3], self.ip4(0)].concat(),
            10 => {
                // Apple's, and AppleTalk's ARP.
                let organisation = self.random.pick(&[[8, 0, 7], [0, 0, 0]]);
                let kind: u16 = self.random.pick(&[0x809b, 0x80f3, 0x8137]);
                let header = [vec![0xaa, 0xaa, 3], organisation.to_vec(), be16(kind).to_vec()];
                [header.concat(), self.random.bytes(30)].concat()
            }
            _ => {
                let sap = self.random.byte();
                let controls = [0, 2, 1, 5, 9, 0x0d, 3, 0x63, 0x43, 0x0f, 0x6f, 0xe3, 0xaf, 0x87];
                let control = self.random.pick(&controls);
                [vec![sap, self.random.pick(&[sap, 0, 0xff]), control], self.random.bytes(20)]
                    .concat()
            }
        }
    }

    /// The same payload behind LLC and SNAP, if it is not behind LLC already.
    pub(super) fn snap(&mut self, kind: &Kind, payload: Vec<u8>) -> Vec<u8> {
        match kind {
            Kind::Type(kind) => {
                [vec![0xaa, 0xaa, 3, 0, 0, 0], be16(*kind).to_vec(), payload].concat()
            }
            _ => payload,
        }
    }

    /// An OSI network layer header and, if IS-IS, a PDU type.
    pub(super) fn osi(&mut self) -> Vec<u8> {
        let id = self.random.pick(&[0x81, 0x82, 0x83, 0x83, 0x83, 0xcc, 0x8e, 0x00]);
        let pdu = self.random.favour(&self.pool.pdus);
        [vec![id, 27, 1, 0, pdu, 1, 0, 0], self.random.bytes(20)].concat()
    }

    /// ARP or RARP, for IPv4 over Ethernet.
    pub(super) fn arp(&mut self) -> Vec<u8> {
        let operation = self.random.pick(&[1, 2, 3, 4]);
        let ((sender, target), (src, dst)) = (self.ends(Self::mac), self.ends(Self::v4));
        let header = vec![0, 1, 8, 0, 6, 4, 0, operation];
        [header, sender.to_vec(), src.to_vec(), target.to_vec(), dst.to_vec()].concat()
    }

    /// A stack of labels and what follows it.
    pub(super) fn mpls(&mut self, depth: u32) -> Vec<u8> {
        let mut stack = Vec::new();
        let labels = 1 + self.random.below(3);
        for n in 1..=labels {
            let label = self.random.mostly(&self.pool.labels) & 0xfffff;
            let bottom = u32::from(n == labels && !self.random.once_in(10));
            stack.extend(be32(label << 12 | self.random.below(8) << 9 | bottom << 8 | 64));
        }
        let payload = if self.random.once_in(3) { self.ip6(depth) } else { self.ip4(depth) };
        [stack, payload].concat()
    }

    /// A PPPoE session header and a PPP packet.
    pub(super) fn pppoe(&mut self, depth: u32) -> Vec<u8> {
        let session = be16(self.random.mostly(&self.pool.sessions) as u16).to_vec();
        let ppp = self.ppp(depth);
        [vec![0x11, 0], session, be16(ppp.len() as u16).to_vec(), ppp].concat()
    }

    /// A PPP protocol field and payload.
    pub(super) fn ppp(&mut self, depth: u32) -> Vec<u8> {
        let (protocol, payload) = match self.random.below(12) {
            0..=4 => (0x21, self.ip4(depth)),
            5..=6 => (0x57, self.ip6(depth)),
            7 => (0x0281, self.mpls(depth)),
            8 => (0x23, self.osi()),
            9 => (0x27, self.decnet()),
            _ => {
                let any = [0x29, 0x25, 0x31, 0x2b, 0x2d, 0x2f, 0xc021, 0x8864, 0x8100, 0x8847];
                (self.random.pick(&any), self.random.bytes(30))
            }
        };
        [be16(protocol).to_vec(), payload].concat()
    }

    /// A DECnet data packet, padded or not, with a short or a long header.
    pub(super) fn decnet(&mut self) -> Vec<u8> {
        let (src, dst) = self.ends(|packets| {
            let (area, node) = packets.random.favour(&packets.pool.decnet);
            (area << 10 | node).to_le_bytes().to_vec()
        });
        let padding = self.random.pick(&[vec![], vec![0x81]]);
        let flags = self.random.pick(&[2_u8, 6, 0x0a, 0x2e, 5]);
        let header = if flags & 7 == 6 {
            let hiord = vec![0xaa, 0, 4, 0];
            [vec![flags, 0, 0], hiord.clone(), dst, vec![0, 0], hiord, src, vec![0, 0, 0, 0]]
                .concat()
        } else {
            [vec![flags], dst, src, vec![0]].concat()
        };
        [vec![20, 0], padding, header, self.random.bytes(8)].concat()
    }

    /// IPv4, with options and fragments.
    pub(super) fn ip4(&mut self, depth: u32) -> Vec<u8> {
        let options = if self.random.once_in(4) { self.random.below(11) } else { 0 };
        let fragment: u16 = match self.random.below(10) {
            0 => 0x2000,
            1 => self.random.pick(&[0x00b9, 0x2001, 0x1fff, 0x3000]),
            2 => 0x4000,
            _ => 0,
        };
        let (protocol, payload) = self.transport(depth, false);
        let length = (20 + 4 * options + payload.len() as u32) as u16;
        let mut header = vec![0x45 + options as u8, self.random.pick(&[0, 0x10, 0xc0])];
        header.extend(be16(length));
        header.extend(be16(self.random.next() as u16));
        header.extend(be16(fragment));
        header.extend([self.random.pick(&[1, 64, 255]), protocol, 0, 0]);
        let (src, dst) = self.ends(Self::v4);
        header.extend([src, dst].concat());
        header.extend(self.random.bytes(4 * options));
        [header, payload].concat()
    }

    /// IPv6, with headers of extensions.
    pub(super) fn ip6(&mut self, depth: u32) -> Vec<u8> {
        let (mut next, mut payload) = self.transport(depth, true);
        let extensions = if self.random.once_in(3) { 1 + self.random.below(3) } else { 0 };
        for _ in 0..extensions {
            let extension = self.random.pick(&[0, 43, 44, 60, 51]);
            let words = self.random.below(3);
            let length = match extension {
                44 => 0,
                51 => 2 + 2 * words,
                _ => words,
            };
            let size = match extension {
                44 => 8,
                51 => (length + 2) * 4,
                _ => (length + 1) * 8,
            };
            let rest = self.random.bytes(size - 2);
            payload = [vec![next, length as u8], rest, payload].concat();
            next = extension as u8;
        }
        let mut header = vec![0x60, 0, 0, 0];
        header.extend(be16(payload.len() as u16));
        header.extend([next, self.random.pick(&[1, 64, 255])]);
        let (src, dst) = self.ends(Self::v6);
        header.extend([src, dst].concat());
        [header, payload].concat()
    }

    /// A protocol over IP and its packet.
    fn transport(&mut self, depth: u32, v6: bool) -> (u8, Vec<u8>) {
        let in_udp = |wanted: &Wanted| matches!(wanted, Wanted::Geneve | Wanted::Vxlan);
        if depth > 0 && self.pool.wanted.iter().any(in_udp) && self.random.once_in(3) {
            return (17, self.udp(depth));
        }
        match self.random.below(24) {
            0..=6 => (6, self.tcp()),
            7..=11 => (17, self.udp(depth)),
            12..=13 => (132, [self.ports(), self.random.bytes(20)].concat()),
            14..=15 if v6 => {
                let kind = self.random.favour(&[128, 135, 129, 133, 134, 136, 1]);
                (58, [vec![kind, self.random.pick(&[0, 1, 4])], self.random.bytes(20)].concat())
            }
            14..=15 => {
                let kind = self.random.favour(&[8, 0, 3, 5, 11, 13]);
                (1, [vec![kind, self.random.pick(&[0, 1, 3])], self.random.bytes(20)].concat())
            }
            16 => (self.random.pick(&[2, 59]), self.random.bytes(8)),
            17..=18 => {
                // IPv4's chain has no other header.
                let inner = self.random.pick(&[6, 17, 50, 51]);
                let rest = self.random.bytes(10);
                let tcp = self.tcp();
                (
                    51,
                    [vec![inner, 1], rest, [vec![6, 1], self.random.bytes(10), tcp].concat()]
                        .concat(),
                )
            }
            19..=20 => (self.random.pick(&[9, 50, 103, 112]), self.random.bytes(24)),
            21 if depth > 0 => (4, self.ip4(depth - 1)),
            _ => (self.random.mostly(&self.pool.protocols) as u8, self.random.bytes(24)),
        }
    }

    fn ports(&mut self) -> Vec<u8> {
        let (src, dst) = self.ends(Self::port);
        [be16(src), be16(dst)].concat()
    }

    fn tcp(&mut self) -> Vec<u8> {
        let flags = self.random.pick(&[2, 0x12, 0x10, 0x18, 0x11, 4, 0x14, 0xc2, 0]);
        let rest = [self.random.bytes(8), vec![0x50, flags], self.random.bytes(6)].concat();
        [self.ports(), rest, self.random.bytes(12)].concat()
    }

    fn udp(&mut self, depth: u32) -> Vec<u8> {
        let (port, payload) = match self.random.below(5) {
            0..=1 if depth > 0 => (6081, self.geneve(depth - 1)),
            2..=3 if depth > 0 => (4789, self.vxlan(depth - 1)),
            _ => (self.port(), self.random.bytes(20)),
        };
        let length = be16(payload.len() as u16 + 8);
        [be16(self.port()).to_vec(), be16(port).to_vec(), length.to_vec(), vec![0, 0], payload]
            .concat()
    }

    fn network_number(&mut self) -> Vec<u8> {
        let number = self.random.mostly(&self.pool.networks) & 0xff_ffff;
        be32(number << 8 | u32::from(self.random.once_in(4))).to_vec()
    }

    /// Geneve (RFC 8926), with options, around Ethernet or IP.
    fn geneve(&mut self, depth: u32) -> Vec<u8> {
        let options = if self.random.once_in(2) { self.random.below(4) } else { 0 };
        let version = self.random.pick(&[0, 0, 0, 0x40]);
        let (kind, inner) = match self.random.below(5) {
            0..=2 => (0x6558, self.ethernet_frame(depth)),
            3 => (0x0800, self.ip4(depth)),
            _ => (0x86dd, self.ip6(depth)),
        };
        let flags = self.random.pick(&[0, 0x40, 0x80]);
        let first = vec![version | options as u8, flags];
        let options = self.random.bytes(4 * options);
        [first, be16(kind).to_vec(), self.network_number(), options, inner].concat()
    }

    /// VXLAN (RFC 7348).
    fn vxlan(&mut self, depth: u32) -> Vec<u8> {
        let flags = self.random.pick(&[8, 8, 8, 0x88]);
        let inner = self.ethernet_frame(depth);
        [vec![flags, 0, 0, 0], self.network_number(), inner].concat()
    }

    /// An Ethernet frame.
    pub(super) fn ethernet_frame(&mut self, depth: u32) -> Vec<u8> {
        let (kind, payload) = self.network(depth);
        let (dst, src) = self.ends(Self::mac);
        let addresses = [dst, src].concat();
        let field = self.type_or_length(&kind, &payload);
        [addresses, field, payload].concat()
    }
}
