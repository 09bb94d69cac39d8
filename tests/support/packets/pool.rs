//! The addresses and numbers that packets are made of: few, and those of a filter first, so that filters
//! match.

use super::super::random::Random;
use pcap::filter::ast::{ArithStep, AtmField, Mtp3, Pf, Proto, Term};
use pcap::filter::pred::{Match, Pred};

/// What to choose from; the first ones of each are chosen most often.
#[derive(Clone, Debug)]
pub struct Pool {
    pub v4: Vec<[u8; 4]>,
    pub v6: Vec<[u8; 16]>,
    pub mac: Vec<[u8; 6]>,
    /// One-byte link-layer addresses.
    pub mac8: Vec<u8>,
    /// Area and node.
    pub decnet: Vec<(u16, u16)>,
    pub ports: Vec<u32>,
    /// IP's protocol numbers.
    pub protocols: Vec<u32>,
    pub vlans: Vec<u32>,
    /// MPLS's.
    pub labels: Vec<u32>,
    /// PPPoE's.
    pub sessions: Vec<u32>,
    /// Geneve's and VXLAN's.
    pub networks: Vec<u32>,
    /// Of interfaces and rule sets.
    pub names: Vec<String>,
    /// Of interfaces.
    pub indexes: Vec<u32>,
    /// PFLOG's rules.
    pub numbers: Vec<u32>,
    pub vpis: Vec<u8>,
    pub vcis: Vec<u16>,
    /// SS7's point codes, service information and links.
    pub codes: Vec<u32>,
    pub sios: Vec<u8>,
    pub sls: Vec<u32>,
    /// Types of IS-IS PDUs, some with reserved bits set.
    pub pdus: Vec<u8>,
    /// What is asked for, and rare otherwise.
    pub wanted: Vec<Wanted>,
}

/// What a link layer, or UDP, may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Osi,
    Llc,
    Vlan,
    Mpls,
    Pppoe,
    Geneve,
    Vxlan,
    /// An Ethertype of which nothing else is known.
    Type(u16),
}

impl Pool {
    #[rustfmt::skip]
    pub fn new() -> Self {
        Self {
            v4: vec![
                [10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 1, 255], [10, 1, 2, 3], [127, 0, 0, 1],
                [172, 16, 0, 1], [192, 168, 1, 1], [192, 168, 1, 2], [192, 0, 2, 1],
                [224, 0, 0, 1], [239, 255, 255, 250], [255; 4], [0; 4],
            ],
            v6: vec![
                [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
                [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                [0; 16],
            ],
            mac: vec![
                [0, 1, 2, 3, 4, 5], [0xaa, 0, 4, 0, 0x1d, 4], [2, 0, 0, 0, 0, 1],
                [1, 0x80, 0xc2, 0, 0, 0], [0x33, 0x33, 0, 0, 0, 1], [0xff; 6],
            ],
            mac8: vec![0, 1, 0x2b, 0xff],
            decnet: vec![(1, 1), (10, 123), (63, 1023)],
            ports: vec![
                80, 53, 443, 22, 20, 21, 23, 25, 0, 1, 67, 1024, 4789, 5000, 6081, 8080, 65535,
            ],
            protocols: vec![
                0, 1, 2, 6, 9, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 88, 89, 103, 112, 132, 255,
            ],
            vlans: vec![100, 200, 5, 300, 0, 1, 4095],
            labels: vec![1024, 16, 100_000, 3, 0, 0xfffff],
            sessions: vec![0x27, 1, 0, 65535],
            networks: vec![7, 0xb, 0, 0xff_ffff],
            names: ["eth0", "en0", "lo", "rules"].map(str::to_owned).to_vec(),
            indexes: vec![1, 2, 3, 7],
            numbers: vec![0, 1, 5, 10, u32::MAX],
            vpis: vec![0, 0, 1, 255],
            vcis: vec![0, 1, 2, 3, 4, 5, 16, 100, 65535],
            codes: vec![0, 1, 100, 0x1234, 0x3fff],
            sios: vec![0, 3, 5, 0x83, 0x85],
            sls: vec![0, 1, 7, 15],
            pdus: vec![
                15, 16, 17, 18, 20, 24, 25, 26, 27, 0x6f, 0x70, 0x92, 0x99, 0x9a, 3,
            ],
            wanted: Vec::new(),
        }
    }

    /// What a term asks for.
    pub fn learn(&mut self, term: &Pred, random: &mut Random) {
        self.wanted.extend(wanted(term));
        match term {
            Term::Id(id) => self.learn_id(id, random),
            Term::Vlan(Some(id)) => self.vlans.insert(0, *id),
            Term::Mpls(Some(label)) => self.labels.insert(0, *label),
            Term::Pppoes(Some(session)) => self.sessions.insert(0, *session),
            Term::Geneve(Some(network)) | Term::Vxlan(Some(network)) => {
                self.networks.insert(0, *network);
            }
            Term::Ifindex(index) => self.indexes.insert(0, *index),
            Term::Pf(Pf::Ifname(name) | Pf::Ruleset(name)) if name.len() < 16 => {
                self.names.insert(0, (*name).to_owned());
            }
            Term::Pf(Pf::Rulenum(number) | Pf::Subrulenum(number)) => {
                self.numbers.insert(0, *number);
            }
            Term::AtmField { field: AtmField::Vpi, value, .. } => self.vpis.insert(0, *value as u8),
            Term::AtmField { value, .. } => self.vcis.insert(0, *value as u16),
            Term::Mtp3 { field, value, .. } => match field {
                Mtp3::Sio | Mtp3::Hsio => self.sios.insert(0, *value as u8),
                Mtp3::Sls | Mtp3::Hsls => self.sls.insert(0, value & 0x0f),
                _ => self.codes.insert(0, value & 0x3fff),
            },
            _ => (),
        }
    }

    fn learn_id(&mut self, id: &Match, random: &mut Random) {
        match id {
            Match::Hosts { v4, v6, .. } => {
                for net in v4 {
                    let host = if random.once_in(2) { 0 } else { random.next() & !net.mask };
                    self.v4.insert(0, (net.addr | host).to_be_bytes());
                }
                self.v6.splice(0..0, v6.iter().map(|net| net.addr.to_be_bytes()));
            }
            Match::Gateway { mac, v4, .. } => {
                self.mac.insert(0, *mac);
                self.v4.splice(0..0, v4.iter().map(|address| address.to_be_bytes()));
            }
            Match::IsisProto(pdu) => {
                self.pdus.splice(0..0, [*pdu, pdu | 0x60]);
            }
            Match::Decnet { addr, .. } => self.decnet.insert(0, (addr >> 10, addr & 0x3ff)),
            Match::Mac48 { addr, .. } => self.mac.insert(0, *addr),
            Match::Mac8 { addr, .. } => self.mac8.insert(0, *addr),
            Match::Ports { low, high, .. } => {
                self.ports.splice(0..0, [(*low).into(), (*high).into()]);
            }
            Match::IpProto { protocol, .. } | Match::ProtoChain { protocol, .. } => {
                self.protocols.insert(0, (*protocol).into());
            }
            _ => (),
        }
    }
}

/// What packets have to carry for a term to mean anything.
fn wanted(term: &Pred) -> Vec<Wanted> {
    match term {
        Term::Vlan(_) => vec![Wanted::Vlan],
        Term::Mpls(_) => vec![Wanted::Mpls],
        Term::Pppoes(_) => vec![Wanted::Pppoe],
        Term::Geneve(_) => vec![Wanted::Geneve],
        Term::Vxlan(_) => vec![Wanted::Vxlan],
        Term::Llc(_) => vec![Wanted::Llc],
        Term::Abbrev(proto) => of_protocol(*proto).into_iter().collect(),
        Term::Id(Match::IsoProto(_) | Match::IsisProto(_)) => vec![Wanted::Osi],
        Term::Id(Match::Decnet { .. }) => vec![Wanted::Type(0x6003)],
        Term::Id(Match::LinkProto(number @ 1501..=0xffff)) => vec![Wanted::Type(*number as u16)],
        Term::Id(Match::LinkProto(_)) => vec![Wanted::Llc],
        Term::Relation { left, right, .. } => {
            let read = |step: &ArithStep| match step {
                ArithStep::Load { proto, .. } => of_protocol(*proto),
                _ => None,
            };
            left.iter().chain(right).filter_map(read).collect()
        }
        _ => Vec::new(),
    }
}

fn of_protocol(proto: Proto) -> Option<Wanted> {
    Some(match proto {
        Proto::Iso | Proto::Clnp | Proto::Esis | Proto::Isis => Wanted::Osi,
        Proto::L1 | Proto::L2 | Proto::Iih | Proto::Lsp => Wanted::Osi,
        Proto::Snp | Proto::Csnp | Proto::Psnp => Wanted::Osi,
        Proto::Stp | Proto::Netbeui | Proto::Ipx => Wanted::Llc,
        Proto::Atalk => Wanted::Type(0x809b),
        Proto::Aarp => Wanted::Type(0x80f3),
        Proto::Decnet => Wanted::Type(0x6003),
        Proto::Lat => Wanted::Type(0x6004),
        Proto::Sca => Wanted::Type(0x6007),
        Proto::Mopdl => Wanted::Type(0x6001),
        Proto::Moprc => Wanted::Type(0x6002),
        _ => return None,
    })
}
