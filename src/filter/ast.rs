//! A filter expression as it was written: what the parser gives and the resolver takes.
//!
//! Expressions and arithmetic are kept as postfix lists, in the order in which their parts were read: no
//! depth that a text chooses becomes depth of a call stack, and whoever walks the list meets names, and
//! errors, in reading order.

use std::fmt;

/// Where in the text something stands: byte offsets, the end excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// One step of an expression in postfix order: a term pushes a predicate, the others take theirs from the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// One predicate.
    Term(T),
    /// The opposite of the top.
    Not,
    /// Both of the top two.
    And,
    /// Either of the top two.
    Or,
}

/// A term and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The thing.
    pub node: T,
    /// Its place.
    pub span: Span,
}

/// An expression; without steps it accepts everything.
pub type Expr<T> = Vec<Step<Spanned<T>>>;

/// Protocol keywords. `link` stands for its aliases (`ether`, `wlan`, ...) too.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proto {
    Link,
    Ip,
    Arp,
    Rarp,
    Sctp,
    Tcp,
    Udp,
    Icmp,
    Igmp,
    Igrp,
    Pim,
    Vrrp,
    Carp,
    Atalk,
    Aarp,
    Decnet,
    Lat,
    Sca,
    Mopdl,
    Moprc,
    Ip6,
    Icmp6,
    Ah,
    Esp,
    Iso,
    Esis,
    Isis,
    L1,
    L2,
    Iih,
    Lsp,
    Snp,
    Csnp,
    Psnp,
    Clnp,
    Stp,
    Ipx,
    Netbeui,
    Radio,
}

/// Direction qualifiers.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dir {
    Src,
    Dst,
    SrcOrDst,
    SrcAndDst,
    Addr1,
    Addr2,
    Addr3,
    Addr4,
    Ra,
    Ta,
}

/// Type qualifiers.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Host,
    Net,
    Port,
    PortRange,
    Gateway,
    Proto,
    ProtoChain,
}

/// The qualifiers in front of an identifier, as far as they were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quals {
    /// Protocol.
    pub proto: Option<Proto>,
    /// Direction.
    pub dir: Option<Dir>,
    /// Type.
    pub kind: Option<Kind>,
}

/// What qualifiers apply to. Texts are as written, a leading backslash removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id<'t> {
    /// A number.
    Number(u32),
    /// A name, or anything that is nothing else.
    Name(&'t str),
    /// Two to four numbers with dots.
    V4(&'t str),
    /// ... and a prefix length.
    V4Len(&'t str, u32),
    /// ... `mask` ...
    V4Mask(&'t str, &'t str),
    /// An IPv6 address.
    V6(&'t str),
    /// ... and a prefix length.
    V6Len(&'t str, u32),
    /// A six-byte link-layer address.
    Mac48(&'t str),
    /// A one-byte link-layer address, with its `$`.
    Mac8(&'t str),
}

/// Comparisons.
#[allow(missing_docs, reason = "each is the operator of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relop {
    Gt,
    Ge,
    Eq,
    Lt,
    Le,
    Ne,
}

/// Comparisons of `byte`.
#[allow(missing_docs, reason = "each is the operator of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Byteop {
    And,
    Or,
    Lt,
    Gt,
    Eq,
}

/// Arithmetic with two operands.
#[allow(missing_docs, reason = "each is the operator of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    And,
    Or,
    Xor,
    Lsh,
    Rsh,
}

/// One step of an arithmetic expression in postfix order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithStep {
    /// Pushes a number.
    Number(u32),
    /// Pushes the packet's length on the wire.
    Len,
    /// `proto[offset:size]`: takes the offset from the stack. The size is as written and not yet checked.
    Load {
        /// Whose header the offset counts from.
        proto: Proto,
        /// Bytes, 1 where none was written.
        size: u32,
    },
    /// Negates the top.
    Neg,
    /// Takes the right operand, then the left one.
    Binary(BinOp),
}

/// An arithmetic expression; never empty.
pub type Arith = Vec<ArithStep>;

/// `llc` and its subtypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Llc {
    /// Any.
    Any,
    /// I frames.
    I,
    /// S frames.
    S,
    /// U frames.
    U,
    /// S frames of this control value, masked with 0x0f of the first control byte.
    SSubtype(u8),
    /// U frames of this control value, masked with 0xef.
    USubtype(u8),
}

/// PFLOG's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pf<'t> {
    /// `ifname`, `on`.
    Ifname(&'t str),
    /// `ruleset`, `rset`.
    Ruleset(&'t str),
    /// `rulenum`, `rnr`.
    Rulenum(u32),
    /// `subrulenum`, `srnr`.
    Subrulenum(u32),
    /// `reason`: `PFRES_*`.
    Reason(u32),
    /// `action`: `PF_*`.
    Action(u32),
}

/// SUNATM's traffic classes.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Atm {
    Lane,
    Metac,
    Bcc,
    Oamf4ec,
    Oamf4sc,
    Sc,
    Ilmic,
    Oam,
    Oamf4,
    Connectmsg,
    Metaconnect,
}

/// SUNATM's numbers.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtmField {
    Vpi,
    Vci,
}

/// MTP2 signal units; those with an H are of high-speed links.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mtp2 {
    Fisu,
    Lssu,
    Msu,
    Hfisu,
    Hlssu,
    Hmsu,
}

/// MTP3 fields; those with an H are of high-speed links.
#[allow(missing_docs, reason = "each is the keyword of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mtp3 {
    Sio,
    Opc,
    Dpc,
    Sls,
    Hsio,
    Hopc,
    Hdpc,
    Hsls,
}

/// An identifier with its qualifiers, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qualified<'t> {
    /// Written here or inherited. `None` where an identifier inherits from a term that has no qualifiers, which
    /// the resolver refuses.
    pub quals: Option<Quals>,
    /// What they apply to.
    pub id: Id<'t>,
}

/// One predicate; its identifiers are as written or, with `I` another type, what they resolve to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term<'t, I = Qualified<'t>> {
    /// Qualifiers and what they qualify.
    Id(I),
    /// A protocol by itself: `tcp`, `arp`, ...
    Abbrev(Proto),
    /// A comparison of numbers.
    Relation {
        /// How they are compared.
        op: Relop,
        /// The left number.
        left: Arith,
        /// The right number.
        right: Arith,
    },
    /// `[proto] broadcast`.
    Broadcast(Option<Proto>),
    /// `[proto] multicast`.
    Multicast(Option<Proto>),
    /// `less n`: at most n bytes long.
    Less(u32),
    /// `greater n`: at least n bytes long.
    Greater(u32),
    /// `byte offset op value`.
    Byte {
        /// Offset in the packet.
        offset: u32,
        /// Comparison.
        op: Byteop,
        /// What it is compared with.
        value: u32,
    },
    /// `inbound`.
    Inbound,
    /// `outbound`.
    Outbound,
    /// `ifindex n`.
    Ifindex(u32),
    /// `vlan [id]`.
    Vlan(Option<u32>),
    /// `mpls [label]`.
    Mpls(Option<u32>),
    /// `pppoed`.
    Pppoed,
    /// `pppoes [session]`.
    Pppoes(Option<u32>),
    /// `geneve [vni]`.
    Geneve(Option<u32>),
    /// `vxlan [vni]`.
    Vxlan(Option<u32>),
    /// A field of a PFLOG header.
    Pf(Pf<'t>),
    /// `[proto] type t [subtype s]` and `subtype s`: the first byte of the frame control field, masked.
    WlanType {
        /// The value.
        value: u8,
        /// Which bits count.
        mask: u8,
    },
    /// `[proto] dir d`: the two direction bits of the second byte of the frame control field.
    WlanDir(u8),
    /// `llc ...`.
    Llc(Llc),
    /// A class of ATM traffic.
    Atm(Atm),
    /// A comparison of an ATM field.
    AtmField {
        /// Which.
        field: AtmField,
        /// Comparison.
        op: Relop,
        /// What it is compared with.
        value: u32,
    },
    /// A kind of MTP2 signal unit.
    Mtp2(Mtp2),
    /// A comparison of an MTP3 field.
    Mtp3 {
        /// Which.
        field: Mtp3,
        /// Comparison.
        op: Relop,
        /// What it is compared with.
        value: u32,
    },
}

impl<'t, I> Term<'t, I> {
    /// The same term with what `of` makes of its identifier, if it has one.
    pub fn try_map_id<J, E>(&self, of: impl FnOnce(&I) -> Result<J, E>) -> Result<Term<'t, J>, E> {
        Ok(match *self {
            Self::Id(ref id) => Term::Id(of(id)?),
            Self::Abbrev(proto) => Term::Abbrev(proto),
            Self::Relation { op, ref left, ref right } => {
                Term::Relation { op, left: left.clone(), right: right.clone() }
            }
            Self::Broadcast(proto) => Term::Broadcast(proto),
            Self::Multicast(proto) => Term::Multicast(proto),
            Self::Less(len) => Term::Less(len),
            Self::Greater(len) => Term::Greater(len),
            Self::Byte { offset, op, value } => Term::Byte { offset, op, value },
            Self::Inbound => Term::Inbound,
            Self::Outbound => Term::Outbound,
            Self::Ifindex(index) => Term::Ifindex(index),
            Self::Vlan(id) => Term::Vlan(id),
            Self::Mpls(label) => Term::Mpls(label),
            Self::Pppoed => Term::Pppoed,
            Self::Pppoes(session) => Term::Pppoes(session),
            Self::Geneve(vni) => Term::Geneve(vni),
            Self::Vxlan(vni) => Term::Vxlan(vni),
            Self::Pf(field) => Term::Pf(field),
            Self::WlanType { value, mask } => Term::WlanType { value, mask },
            Self::WlanDir(direction) => Term::WlanDir(direction),
            Self::Llc(kind) => Term::Llc(kind),
            Self::Atm(class) => Term::Atm(class),
            Self::AtmField { field, op, value } => Term::AtmField { field, op, value },
            Self::Mtp2(unit) => Term::Mtp2(unit),
            Self::Mtp3 { field, op, value } => Term::Mtp3 { field, op, value },
        })
    }
}

/// The keyword, which is the variant's name in small letters.
impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// The keyword, which is the variant's name in small letters.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// The keyword, or the words.
impl fmt::Display for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Src => "src",
            Self::Dst => "dst",
            Self::SrcOrDst => "src or dst",
            Self::SrcAndDst => "src and dst",
            Self::Addr1 => "addr1",
            Self::Addr2 => "addr2",
            Self::Addr3 => "addr3",
            Self::Addr4 => "addr4",
            Self::Ra => "ra",
            Self::Ta => "ta",
        })
    }
}
