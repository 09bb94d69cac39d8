//! The words of the filter language: tokens, and the table of keywords and named numbers.
//!
//! What makes a piece of text a token is in [`super::lex`]. Follows pcap-filter(7) and libpcap's scanner,
//! which knows some words that the manual does not tell (`lsu`, `slip`, `byte`).

use super::ast::{Atm, AtmField, BinOp, Dir, Kind, Mtp2, Mtp3, Proto, Relop};
use crate::inline::{ByName, Inline, table};

/// One token. Texts are parts of the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'t> {
    /// A protocol.
    Proto(Proto),
    /// A direction that is one word.
    Dir(Dir),
    /// What kind of thing an identifier names.
    Kind(Kind),
    /// A class of ATM traffic.
    Atm(Atm),
    /// `vpi`, `vci`.
    AtmField(AtmField),
    /// A kind of MTP2 signal unit.
    Mtp2(Mtp2),
    /// A field of MTP3.
    Mtp3(Mtp3),
    /// Any other keyword.
    Word(Word),
    /// `and`, `&&`.
    And,
    /// `or`, `||`.
    Or,
    /// `not`, `!`.
    Not,
    /// Arithmetic; `-` is the negation too, and `/` stands before a prefix length.
    Op(BinOp),
    /// A comparison.
    Relop(Relop),
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `[`.
    OpenIndex,
    /// `]`.
    CloseIndex,
    /// `:`.
    Colon,
    /// A number, or a word that stands for one.
    Number(u32),
    /// An identifier; of an escaped one what follows the backslash.
    Name(&'t str),
    /// Two to four numbers with dots.
    V4(&'t str),
    /// An IPv6 address, checked.
    V6(&'t str),
    /// A six-byte link-layer address.
    Mac48(&'t str),
    /// A one-byte link-layer address, with its `$`.
    Mac8(&'t str),
    /// The end of the text.
    End,
    /// No token.
    Bad(Bad),
}

/// Why a piece of text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// A character that begins nothing.
    Stray,
    /// A number of this base that needs more than 32 bits.
    Overflow(Base),
    /// 8 or 9 after a leading 0.
    NotOctal,
    /// Shaped like an IPv6 address, but none.
    V6,
    /// Bytes with colons, but not six.
    Ethernet,
}

/// How a number is written.
#[allow(missing_docs, reason = "each is the base of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Octal,
    Decimal,
    Hexadecimal,
}

/// Keywords that belong to no family.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    Action,
    Broadcast,
    Byte,
    Geneve,
    Greater,
    Ifindex,
    Ifname,
    Inbound,
    Len,
    Less,
    Llc,
    Mask,
    Mpls,
    Multicast,
    Outbound,
    Pppoed,
    Pppoes,
    Reason,
    Rulenum,
    Ruleset,
    Subrulenum,
    Subtype,
    Type,
    Vlan,
    Vxlan,
    WlanDir,
}

/// The keyword or named number that a word is.
pub fn keyword(word: &str) -> Option<Token<'static>> {
    let mut rows = BY_NAME.rows(word.as_bytes()).filter_map(|row| KEYWORDS.get(row));
    rows.find(|(keyword, _)| keyword.as_bytes() == word.as_bytes()).map(|&(_, token)| token)
}

static BY_NAME: ByName<{ KEYWORDS.len() }> = {
    let mut names: [&[u8]; KEYWORDS.len()] = [&[]; KEYWORDS.len()];
    let mut n = 0;
    while n < names.len() {
        names[n] = KEYWORDS[n].0.as_bytes();
        n += 1;
    }
    ByName::new(names)
};

use Token as T;

/// Every word with a meaning of its own, in alphabetical order. Case matters.
#[rustfmt::skip]
static KEYWORDS: [(Inline<32>, Token<'static>); 186] = table([
    ("aarp", T::Proto(Proto::Aarp)),
    ("action", T::Word(Word::Action)),
    ("addr1", T::Dir(Dir::Addr1)),
    ("addr2", T::Dir(Dir::Addr2)),
    ("addr3", T::Dir(Dir::Addr3)),
    ("addr4", T::Dir(Dir::Addr4)),
    ("address1", T::Dir(Dir::Addr1)),
    ("address2", T::Dir(Dir::Addr2)),
    ("address3", T::Dir(Dir::Addr3)),
    ("address4", T::Dir(Dir::Addr4)),
    ("ah", T::Proto(Proto::Ah)),
    ("and", T::And),
    ("arp", T::Proto(Proto::Arp)),
    ("atalk", T::Proto(Proto::Atalk)),
    ("bcc", T::Atm(Atm::Bcc)),
    ("broadcast", T::Word(Word::Broadcast)),
    ("byte", T::Word(Word::Byte)),
    ("carp", T::Proto(Proto::Carp)),
    ("clnp", T::Proto(Proto::Clnp)),
    ("connectmsg", T::Atm(Atm::Connectmsg)),
    ("csnp", T::Proto(Proto::Csnp)),
    ("decnet", T::Proto(Proto::Decnet)),
    ("dir", T::Word(Word::WlanDir)),
    ("direction", T::Word(Word::WlanDir)),
    ("dpc", T::Mtp3(Mtp3::Dpc)),
    ("dst", T::Dir(Dir::Dst)),
    ("es-is", T::Proto(Proto::Esis)),
    ("esis", T::Proto(Proto::Esis)),
    ("esp", T::Proto(Proto::Esp)),
    ("ether", T::Proto(Proto::Link)),
    ("fddi", T::Proto(Proto::Link)),
    ("fisu", T::Mtp2(Mtp2::Fisu)),
    ("gateway", T::Kind(Kind::Gateway)),
    ("geneve", T::Word(Word::Geneve)),
    ("greater", T::Word(Word::Greater)),
    ("hdpc", T::Mtp3(Mtp3::Hdpc)),
    ("hfisu", T::Mtp2(Mtp2::Hfisu)),
    ("hlssu", T::Mtp2(Mtp2::Hlssu)),
    ("hmsu", T::Mtp2(Mtp2::Hmsu)),
    ("hopc", T::Mtp3(Mtp3::Hopc)),
    ("host", T::Kind(Kind::Host)),
    ("hsio", T::Mtp3(Mtp3::Hsio)),
    ("hsls", T::Mtp3(Mtp3::Hsls)),
    ("icmp", T::Proto(Proto::Icmp)),
    ("icmp-echo", T::Number(8)),
    ("icmp-echoreply", T::Number(0)),
    ("icmp-ireq", T::Number(15)),
    ("icmp-ireqreply", T::Number(16)),
    ("icmp-maskreply", T::Number(18)),
    ("icmp-maskreq", T::Number(17)),
    ("icmp-paramprob", T::Number(12)),
    ("icmp-redirect", T::Number(5)),
    ("icmp-routeradvert", T::Number(9)),
    ("icmp-routersolicit", T::Number(10)),
    ("icmp-sourcequench", T::Number(4)),
    ("icmp-timxceed", T::Number(11)),
    ("icmp-tstamp", T::Number(13)),
    ("icmp-tstampreply", T::Number(14)),
    ("icmp-unreach", T::Number(3)),
    ("icmp6", T::Proto(Proto::Icmp6)),
    ("icmp6-certpathadvert", T::Number(149)),
    ("icmp6-certpathsolicit", T::Number(148)),
    ("icmp6-destinationunreach", T::Number(1)),
    ("icmp6-echo", T::Number(128)),
    ("icmp6-echoreply", T::Number(129)),
    ("icmp6-homeagentdiscoveryreply", T::Number(145)),
    ("icmp6-homeagentdiscoveryrequest", T::Number(144)),
    ("icmp6-ineighbordiscoveryadvert", T::Number(142)),
    ("icmp6-ineighbordiscoverysolicit", T::Number(141)),
    ("icmp6-mobileprefixadvert", T::Number(147)),
    ("icmp6-mobileprefixsolicit", T::Number(146)),
    ("icmp6-multicastlistenerdone", T::Number(132)),
    ("icmp6-multicastlistenerquery", T::Number(130)),
    ("icmp6-multicastlistenerreportv1", T::Number(131)),
    ("icmp6-multicastlistenerreportv2", T::Number(143)),
    ("icmp6-multicastrouteradvert", T::Number(151)),
    ("icmp6-multicastroutersolicit", T::Number(152)),
    ("icmp6-multicastrouterterm", T::Number(153)),
    ("icmp6-neighboradvert", T::Number(136)),
    ("icmp6-neighborsolicit", T::Number(135)),
    ("icmp6-nodeinformationquery", T::Number(139)),
    ("icmp6-nodeinformationresponse", T::Number(140)),
    ("icmp6-packettoobig", T::Number(2)),
    ("icmp6-parameterproblem", T::Number(4)),
    ("icmp6-redirect", T::Number(137)),
    ("icmp6-routeradvert", T::Number(134)),
    ("icmp6-routerrenum", T::Number(138)),
    ("icmp6-routersolicit", T::Number(133)),
    ("icmp6-timeexceeded", T::Number(3)),
    ("icmp6code", T::Number(1)),
    ("icmp6type", T::Number(0)),
    ("icmpcode", T::Number(1)),
    ("icmptype", T::Number(0)),
    ("ifindex", T::Word(Word::Ifindex)),
    ("ifname", T::Word(Word::Ifname)),
    ("igmp", T::Proto(Proto::Igmp)),
    ("igrp", T::Proto(Proto::Igrp)),
    ("iih", T::Proto(Proto::Iih)),
    ("ilmic", T::Atm(Atm::Ilmic)),
    ("inbound", T::Word(Word::Inbound)),
    ("ip", T::Proto(Proto::Ip)),
    ("ip6", T::Proto(Proto::Ip6)),
    ("ipx", T::Proto(Proto::Ipx)),
    ("is-is", T::Proto(Proto::Isis)),
    ("isis", T::Proto(Proto::Isis)),
    ("iso", T::Proto(Proto::Iso)),
    ("l1", T::Proto(Proto::L1)),
    ("l2", T::Proto(Proto::L2)),
    ("lane", T::Atm(Atm::Lane)),
    ("lat", T::Proto(Proto::Lat)),
    ("len", T::Word(Word::Len)),
    ("length", T::Word(Word::Len)),
    ("less", T::Word(Word::Less)),
    ("link", T::Proto(Proto::Link)),
    ("llc", T::Word(Word::Llc)),
    ("lsp", T::Proto(Proto::Lsp)),
    ("lssu", T::Mtp2(Mtp2::Lssu)),
    ("lsu", T::Mtp2(Mtp2::Lssu)),
    ("mask", T::Word(Word::Mask)),
    ("metac", T::Atm(Atm::Metac)),
    ("metaconnect", T::Atm(Atm::Metaconnect)),
    ("mopdl", T::Proto(Proto::Mopdl)),
    ("moprc", T::Proto(Proto::Moprc)),
    ("mpls", T::Word(Word::Mpls)),
    ("msu", T::Mtp2(Mtp2::Msu)),
    ("multicast", T::Word(Word::Multicast)),
    ("net", T::Kind(Kind::Net)),
    ("netbeui", T::Proto(Proto::Netbeui)),
    ("not", T::Not),
    ("oam", T::Atm(Atm::Oam)),
    ("oamf4", T::Atm(Atm::Oamf4)),
    ("oamf4ec", T::Atm(Atm::Oamf4ec)),
    ("oamf4sc", T::Atm(Atm::Oamf4sc)),
    ("on", T::Word(Word::Ifname)),
    ("opc", T::Mtp3(Mtp3::Opc)),
    ("or", T::Or),
    ("outbound", T::Word(Word::Outbound)),
    ("pim", T::Proto(Proto::Pim)),
    ("port", T::Kind(Kind::Port)),
    ("portrange", T::Kind(Kind::PortRange)),
    ("ppp", T::Proto(Proto::Link)),
    ("pppoed", T::Word(Word::Pppoed)),
    ("pppoes", T::Word(Word::Pppoes)),
    ("proto", T::Kind(Kind::Proto)),
    ("protochain", T::Kind(Kind::ProtoChain)),
    ("psnp", T::Proto(Proto::Psnp)),
    ("ra", T::Dir(Dir::Ra)),
    ("radio", T::Proto(Proto::Radio)),
    ("rarp", T::Proto(Proto::Rarp)),
    ("reason", T::Word(Word::Reason)),
    ("rnr", T::Word(Word::Rulenum)),
    ("rset", T::Word(Word::Ruleset)),
    ("rulenum", T::Word(Word::Rulenum)),
    ("ruleset", T::Word(Word::Ruleset)),
    ("sc", T::Atm(Atm::Sc)),
    ("sca", T::Proto(Proto::Sca)),
    ("sctp", T::Proto(Proto::Sctp)),
    ("sio", T::Mtp3(Mtp3::Sio)),
    ("slip", T::Proto(Proto::Link)),
    ("sls", T::Mtp3(Mtp3::Sls)),
    ("snp", T::Proto(Proto::Snp)),
    ("src", T::Dir(Dir::Src)),
    ("srnr", T::Word(Word::Subrulenum)),
    ("stp", T::Proto(Proto::Stp)),
    ("subrulenum", T::Word(Word::Subrulenum)),
    ("subtype", T::Word(Word::Subtype)),
    ("ta", T::Dir(Dir::Ta)),
    ("tcp", T::Proto(Proto::Tcp)),
    ("tcp-ack", T::Number(0x10)),
    ("tcp-cwr", T::Number(0x80)),
    ("tcp-ece", T::Number(0x40)),
    ("tcp-fin", T::Number(0x01)),
    ("tcp-push", T::Number(0x08)),
    ("tcp-rst", T::Number(0x04)),
    ("tcp-syn", T::Number(0x02)),
    ("tcp-urg", T::Number(0x20)),
    ("tcpflags", T::Number(13)),
    ("tr", T::Proto(Proto::Link)),
    ("type", T::Word(Word::Type)),
    ("udp", T::Proto(Proto::Udp)),
    ("vci", T::AtmField(AtmField::Vci)),
    ("vlan", T::Word(Word::Vlan)),
    ("vpi", T::AtmField(AtmField::Vpi)),
    ("vrrp", T::Proto(Proto::Vrrp)),
    ("vxlan", T::Word(Word::Vxlan)),
    ("wlan", T::Proto(Proto::Link)),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_in_order() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.0.as_bytes() < b.0.as_bytes()));
    }

    #[test]
    fn keywords_are_found() {
        for (word, token) in KEYWORDS {
            assert_eq!(keyword(word.as_str()), Some(token), "{word}");
        }
        assert_eq!(keyword("ether"), Some(T::Proto(Proto::Link)));
        assert_eq!(keyword("tcp-cwr"), Some(T::Number(0x80)));
        assert_eq!(keyword("icmp6-multicastrouterterm"), Some(T::Number(153)));
        for word in ["TCP", "Host", "hosts", "", "icmp-", "zz"] {
            assert_eq!(keyword(word), None, "{word}");
        }
    }
}
