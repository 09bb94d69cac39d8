//! The header of every link type.

use super::super::dlt;
use super::net::Kind;
use super::{Packets, be16, be32};

impl Packets {
    /// A packet of a link type.
    pub(super) fn frame(&mut self, dlt: i32) -> Vec<u8> {
        match dlt {
            dlt::EN10MB => self.ethernet_frame(3),
            dlt::NETANALYZER => [self.random.bytes(4), self.ethernet_frame(3)].concat(),
            dlt::NETANALYZER_TRANSPARENT => {
                [self.random.bytes(12), self.ethernet_frame(3)].concat()
            }
            dlt::DSA_TAG_BRCM | dlt::DSA_TAG_DSA => {
                let mut frame = self.ethernet_frame(3);
                let first = self.random.pick(&[0, 0x20, 0x40, 0x80, 0xc0, 0xe0, 0x01]);
                frame.splice(12..12, [vec![first], self.random.bytes(3)].concat());
                frame
            }
            dlt if dlt::is_wlan(dlt) => self.radio(dlt),
            dlt if dlt::is_juniper(dlt) => self.juniper(dlt),
            dlt::FDDI | dlt::IEEE802 | dlt::IP_OVER_FC | dlt::ATM_RFC1483 | dlt::ATM_CLIP => {
                let header = match dlt {
                    dlt::FDDI => [vec![0x50], self.macs()].concat(),
                    dlt::IEEE802 => [vec![0x10, 0x40], self.macs()].concat(),
                    dlt::IP_OVER_FC => {
                        let (dst, src) = self.ends(Self::mac);
                        [vec![0x10, 0], dst.to_vec(), vec![0x10, 0], src.to_vec()].concat()
                    }
                    _ => Vec::new(),
                };
                [header, self.llc_payload()].concat()
            }
            dlt::SUNATM => self.sun_atm(),
            dlt::LINUX_SLL | dlt::LINUX_SLL2 => self.cooked(dlt),
            dlt::NULL | dlt::LOOP | dlt::ENC => self.family(dlt),
            dlt::PFLOG => self.pflog(),
            dlt::PPP | dlt::PPP_SERIAL => [vec![0xff, 3], self.ppp(2)].concat(),
            dlt::PPP_PPPD => [vec![self.random.pick(&[0, 1, 0xff]), 3], self.ppp(2)].concat(),
            dlt::PPP_ETHER => self.pppoe(2),
            dlt::PPP_BSDOS => {
                let ppp = self.ppp(2);
                let header = [self.random.bytes(5), ppp[..2].to_vec(), self.random.bytes(17)];
                [header.concat(), ppp[2..].to_vec()].concat()
            }
            dlt::C_HDLC | dlt::HDLC => {
                let (kind, payload) = match self.random.below(4) {
                    0 => (0xfefe, [vec![3], self.osi()].concat()),
                    _ => match self.network(2) {
                        (Kind::Type(kind), payload) => (kind, payload),
                        (_, payload) => (0x8035, payload),
                    },
                };
                [vec![0x0f, 0], be16(kind).to_vec(), payload].concat()
            }
            dlt::SLIP | dlt::SLIP_BSDOS => {
                let len = if dlt == dlt::SLIP { 15 } else { 23 };
                // Filters look for the version at the beginning of the header.
                let first = self.random.pick(&[0, 1, 0x45, 0x60, 2]);
                [vec![first], self.random.bytes(len), self.ip()].concat()
            }
            dlt::RAW => self.ip(),
            dlt::IPV4 => self.ip4(2),
            dlt::IPV6 => self.ip6(2),
            dlt::FRELAY | dlt::MFR => self.frame_relay(),
            dlt::ARCNET | dlt::ARCNET_LINUX => self.arcnet(dlt),
            dlt::APPLE_IP_OVER_IEEE1394 => self.typed(16),
            dlt::SYMANTEC_FIREWALL => {
                let (kind, payload) = self.network(2);
                let field = self.type_or_length(&kind, &payload);
                [self.random.bytes(6), field, self.random.bytes(36), payload].concat()
            }
            dlt::IPNET => {
                let (family, ip) =
                    if self.random.once_in(2) { (2, self.ip4(2)) } else { (26, self.ip6(2)) };
                let hook = self.random.pick(&[1, 2, 3]);
                [vec![1, family, 0, hook], self.random.bytes(20), ip].concat()
            }
            dlt::MTP2 => self.mtp2(),
            dlt::MTP2_WITH_PHDR => [self.random.bytes(4), self.mtp2()].concat(),
            dlt::ERF => [self.random.bytes(20), self.mtp2()].concat(),
            dlt::BACNET_MS_TP => {
                let (dst, src) = self.ends(Self::mac8);
                [vec![0x55, 0xff, self.random.pick(&[0, 5, 6]), dst, src], self.random.bytes(20)]
                    .concat()
            }
            _ => {
                let first = self.random.pick(&[0, 1, 3, 0x45]);
                let len = self.random.pick(&[20, 40, 59, 60, 63, 99, 120]);
                [vec![first], self.random.bytes(len)].concat()
            }
        }
    }

    fn mac8(&mut self) -> u8 {
        self.random.favour(&self.pool.mac8)
    }

    fn macs(&mut self) -> Vec<u8> {
        let (dst, src) = self.ends(Self::mac);
        [dst, src].concat()
    }

    fn ip(&mut self) -> Vec<u8> {
        if self.random.once_in(3) { self.ip6(2) } else { self.ip4(2) }
    }

    /// A payload that begins with LLC.
    fn llc_payload(&mut self) -> Vec<u8> {
        let (kind, payload) = self.network(2);
        self.snap(&kind, payload)
    }

    /// A payload behind a header of `offset` bytes and a type.
    fn typed(&mut self, offset: u32) -> Vec<u8> {
        let (kind, payload) = self.network(2);
        let field = self.type_or_length(&kind, &payload);
        [self.random.bytes(offset), field, payload].concat()
    }

    /// SUNATM: LLC, LAN emulation, signalling.
    fn sun_atm(&mut self) -> Vec<u8> {
        let vpi = self.random.favour(&self.pool.vpis);
        let vci = be16(self.random.pick(&self.pool.vcis)).to_vec();
        let (kind, payload) = match self.random.below(5) {
            0..=1 => (2, self.llc_payload()),
            2 => (1, [vec![0, 7], self.ethernet_frame(2)].concat()),
            3 => (1, [vec![0xff, 0], self.ethernet_frame(1)].concat()),
            _ => {
                let message = self.random.pick(&[5, 2, 7, 0x0f, 0x4d, 0x5a, 0x46]);
                let header = vec![9, 3, 0, 0, 1, message];
                (self.random.pick(&[5, 6, 0]), [header, self.random.bytes(20)].concat())
            }
        };
        let direction = self.random.pick(&[0, 0x80]);
        [vec![direction | kind, vpi], vci, payload].concat()
    }

    /// Linux cooked captures.
    fn cooked(&mut self, dlt: i32) -> Vec<u8> {
        let (kind, payload) = self.network(3);
        let protocol = match kind {
            Kind::Type(kind) => kind,
            Kind::Llc => 4,
            Kind::Raw => 1,
        };
        let pkttype = self.random.pick(&[0, 1, 2, 3, 4, 4, 4]);
        let address = [self.mac().to_vec(), vec![0, 0]].concat();
        if dlt == dlt::LINUX_SLL {
            let header = [vec![0, pkttype, 0, 1, 0, 6], address, be16(protocol).to_vec()].concat();
            return [header, payload].concat();
        }
        let index = self.random.favour(&self.pool.indexes);
        let header = [be16(protocol).to_vec(), vec![0, 0], be32(index).to_vec()].concat();
        [header, vec![0, 1, pkttype, 6], address, payload].concat()
    }

    /// An address family, in either byte order.
    fn family(&mut self, dlt: i32) -> Vec<u8> {
        let (family, payload) = match self.random.below(5) {
            0..=1 => (2_u32, self.ip4(2)),
            2..=3 => (self.random.pick(&[10, 24, 28, 30]), self.ip6(2)),
            _ => (self.random.pick(&[7, 16, 23]), self.random.bytes(30)),
        };
        let little = dlt != dlt::LOOP && !self.random.once_in(4);
        let header = if little { family.to_le_bytes() } else { family.to_be_bytes() };
        let rest = if dlt == dlt::ENC { self.random.bytes(8) } else { Vec::new() };
        [header.to_vec(), rest, payload].concat()
    }

    /// PFLOG, whose header may have any length.
    fn pflog(&mut self) -> Vec<u8> {
        let (family, payload) = match self.random.below(5) {
            0..=2 => (2, self.ip4(2)),
            _ => (self.random.pick(&[10, 24, 28, 30]), self.ip6(2)),
        };
        let len = self.random.pick(&[61, 64, 100]);
        let mut header =
            vec![len, family, self.random.pick(&[0, 1, 2, 8, 9]), self.random.pick(&[0, 1, 3, 7])];
        for _ in 0..2 {
            let mut name = self.random.favour(&self.pool.names).as_bytes().to_vec();
            name.resize(16, 0);
            header.extend(name);
        }
        header.extend(be32(self.random.favour(&self.pool.numbers)));
        header.extend(be32(self.random.favour(&self.pool.numbers)));
        header.extend(self.random.bytes(16));
        header.push(self.random.pick(&[1, 2]));
        header.resize(usize::from(len).next_multiple_of(4), 0);
        [header, payload].concat()
    }

    /// Juniper's: the magic number, flags, and more than anybody knows.
    fn juniper(&mut self, dlt: i32) -> Vec<u8> {
        let flags = self.random.pick(&[0, 1, 2, 0x80, 0x81]);
        let len = match dlt {
            dlt::JUNIPER_ATM2 => 8,
            dlt::JUNIPER_PPPOE_ATM => 6,
            dlt::JUNIPER_GGSN | dlt::JUNIPER_MONITOR => 12,
            dlt::JUNIPER_PPPOE | dlt::JUNIPER_ETHER => 32,
            _ => 4,
        };
        let magic = if self.random.once_in(6) { 0x00 } else { 0x4d };
        let header = vec![magic, 0x47, 0x43, flags];
        let payload = if self.random.once_in(3) { self.osi() } else { self.ip() };
        [header, self.random.bytes(len - 4), payload].concat()
    }

    /// Frame Relay with an address of two bytes.
    fn frame_relay(&mut self) -> Vec<u8> {
        if self.random.once_in(2) {
            // Filters look for IP's fields as if they began where the address is.
            let (id, mut ip) =
                if self.random.once_in(3) { (0x8e, self.ip6(2)) } else { (0xcc, self.ip4(2)) };
            ip[2..4].copy_from_slice(&[3, id]);
            return ip;
        }
        let (id, payload) = match self.random.below(6) {
            0..=1 => (0xcc, self.ip4(2)),
            2..=3 => (0x8e, self.ip6(2)),
            4 => {
                let osi = self.osi();
                let pdu = osi[4];
                (osi[0], [vec![pdu], osi[2..].to_vec()].concat())
            }
            _ => (0x80, self.random.bytes(30)),
        };
        [vec![0x18, 0x41, 3, id], payload].concat()
    }

    fn arcnet(&mut self, dlt: i32) -> Vec<u8> {
        let (code, payload) = match self.random.below(8) {
            0..=2 => (212, self.ip4(2)),
            3 => (213, self.arp()),
            4 => (214, self.arp()),
            5..=6 => (0xc4, self.ip6(2)),
            _ => (self.random.pick(&[221, 240, 241, 250]), self.random.bytes(30)),
        };
        let (src, dst) = self.ends(Self::mac8);
        let mut header = vec![src, dst];
        if dlt == dlt::ARCNET_LINUX {
            header.extend([0, 0]);
        }
        header.extend([code, 0, 0, 1]);
        [header, payload].concat()
    }

    /// MTP2 with ordinary or with extended sequence numbers.
    fn mtp2(&mut self) -> Vec<u8> {
        let high_speed = self.random.once_in(2);
        let length = self.random.pick(&[0, 1, 2, 3, 10, 63]);
        let mut frame = self.random.bytes(2);
        if high_speed {
            frame.extend(self.random.bytes(2));
            frame.extend([length >> 1, length << 7]);
        } else {
            frame.push(length | self.random.pick(&[0, 0x40]));
        }
        frame.push(self.random.pick(&self.pool.sios));
        let (opc, dpc) = self.ends(|packets| packets.random.pick(&packets.pool.codes));
        let sls = self.random.pick(&self.pool.sls);
        frame.extend((dpc | opc << 14 | sls << 28).to_le_bytes());
        [frame, self.random.bytes(16)].concat()
    }
}
