//! How tokens and expressions are shown to people, who can give what is shown of an expression to the parser
//! again and get the same. Lists of steps are in `print/tree.rs`, the rest here.

use super::ast::{BinOp, Byteop, Id, Llc, Pf, Qualified, Quals, Relop, Span, Spanned, Term};
use super::lex;
use super::token::{Bad, Token};
use super::words;
use std::fmt::{Debug, Display, Formatter, Result};
use tree::computation;

#[cfg(test)]
mod tests;
mod tree;

pub use tree::{infix, postfix};

/// The keyword of a variant that is called like it.
fn keyword(variant: impl Debug) -> String {
    format!("{variant:?}").to_lowercase()
}

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl<T: Display> Display for Spanned<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", self.span, self.node)
    }
}

impl Display for Token<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Proto(proto) => write!(f, "protocol {proto}"),
            Self::Dir(dir) => write!(f, "direction {dir}"),
            Self::Kind(kind) => write!(f, "type {kind}"),
            Self::Atm(atm) => write!(f, "keyword {}", keyword(atm)),
            Self::AtmField(field) => write!(f, "field {}", keyword(field)),
            Self::Mtp2(unit) => write!(f, "keyword {}", keyword(unit)),
            Self::Mtp3(field) => write!(f, "field {}", keyword(field)),
            Self::Word(word) => write!(f, "keyword {}", keyword(word)),
            Self::And => f.write_str("and"),
            Self::Or => f.write_str("or"),
            Self::Not => f.write_str("not"),
            Self::Op(op) => write!(f, "operator {op}"),
            Self::Relop(op) => write!(f, "comparison {op}"),
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::OpenIndex => f.write_str("["),
            Self::CloseIndex => f.write_str("]"),
            Self::Colon => f.write_str(":"),
            Self::Number(number) => write!(f, "number {number}"),
            Self::Name(name) => write!(f, "name {name}"),
            Self::V4(address) => write!(f, "ipv4 {address}"),
            Self::V6(address) => write!(f, "ipv6 {address}"),
            Self::Mac48(address) => write!(f, "mac-48 {address}"),
            Self::Mac8(address) => write!(f, "mac-8 {address}"),
            Self::End => f.write_str("end"),
            Self::Bad(bad) => f.write_str(match bad {
                Bad::Stray => "no token",
                Bad::Overflow(_) => "too large a number",
                Bad::NotOctal => "no octal number",
                Bad::V6 => "no IPv6 address",
                Bad::Ethernet => "no Ethernet address",
            }),
        }
    }
}

impl Display for BinOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::Lsh => "<<",
            Self::Rsh => ">>",
        })
    }
}

impl Display for Relop {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Eq => "=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Ne => "!=",
        })
    }
}

impl Display for Byteop {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::And => "&",
            Self::Or => "|",
            Self::Lt => "<",
            Self::Gt => ">",
            Self::Eq => "=",
        })
    }
}

impl Display for Quals {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let words = [
            self.proto.map(|proto| proto.to_string()),
            self.dir.map(|dir| dir.to_string()),
            self.kind.map(|kind| kind.to_string()),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

impl Display for Id<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(&escaped(name)),
            Self::V4(address) | Self::V6(address) => f.write_str(address),
            Self::Mac48(address) | Self::Mac8(address) => f.write_str(address),
            Self::V4Len(address, len) | Self::V6Len(address, len) => write!(f, "{address}/{len}"),
            Self::V4Mask(address, mask) => write!(f, "{address} mask {mask}"),
        }
    }
}

/// A name as it has to be written to be one.
fn escaped(name: &str) -> String {
    match lex::tokens(name).next() {
        Some(Spanned { node: Token::Name(found), .. }) if found == name => name.to_owned(),
        _ => format!("\\{name}"),
    }
}

/// Qualifiers that are inherited from what has none are shown as `?`, which is not in the language.
impl Display for Qualified<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.quals {
            Some(quals) => write!(f, "{quals} {}", self.id),
            None => write!(f, "? {}", self.id),
        }
    }
}

impl<I: Display> Display for Term<'_, I> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Abbrev(proto) => write!(f, "{proto}"),
            Self::Relation { op, left, right } => {
                write!(f, "{} {op} {}", computation(left), computation(right))
            }
            Self::Broadcast(Some(proto)) => write!(f, "{proto} broadcast"),
            Self::Broadcast(None) => f.write_str("broadcast"),
            Self::Multicast(Some(proto)) => write!(f, "{proto} multicast"),
            Self::Multicast(None) => f.write_str("multicast"),
            Self::Less(len) => write!(f, "less {len}"),
            Self::Greater(len) => write!(f, "greater {len}"),
            Self::Byte { offset, op, value } => write!(f, "byte {offset} {op} {value}"),
            Self::Inbound => f.write_str("inbound"),
            Self::Outbound => f.write_str("outbound"),
            Self::Ifindex(index) => write!(f, "ifindex {index}"),
            Self::Vlan(id) => numbered(f, "vlan", *id),
            Self::Mpls(label) => numbered(f, "mpls", *label),
            Self::Pppoed => f.write_str("pppoed"),
            Self::Pppoes(session) => numbered(f, "pppoes", *session),
            Self::Geneve(vni) => numbered(f, "geneve", *vni),
            Self::Vxlan(vni) => numbered(f, "vxlan", *vni),
            Self::Pf(field) => write!(f, "{field}"),
            Self::WlanType { value, mask } => wlan_type(f, *value, *mask),
            Self::WlanDir(dir) => {
                write!(f, "dir {}", words::name(words::WLAN_DIRS, *dir).unwrap_or("?"))
            }
            Self::Llc(llc) => write!(f, "{llc}"),
            Self::Atm(atm) => f.write_str(&keyword(atm)),
            Self::AtmField { field, op, value } => {
                write!(f, "{} {op} {value}", keyword(field))
            }
            Self::Mtp2(unit) => f.write_str(&keyword(unit)),
            Self::Mtp3 { field, op, value } => write!(f, "{} {op} {value}", keyword(field)),
        }
    }
}

fn numbered(f: &mut Formatter<'_>, word: &str, number: Option<u32>) -> Result {
    match number {
        Some(number) => write!(f, "{word} {number}"),
        None => f.write_str(word),
    }
}

fn wlan_type(f: &mut Formatter<'_>, value: u8, mask: u8) -> Result {
    let kind = value & words::WLAN_TYPE_MASK;
    match words::name(words::WLAN_TYPES, kind) {
        Some(name) => write!(f, "type {name}")?,
        None => write!(f, "type {kind:#04x}")?,
    }
    if mask & words::WLAN_SUBTYPE_MASK == 0 {
        return Ok(());
    }
    let subtype = value & words::WLAN_SUBTYPE_MASK;
    let names = words::WLAN_SUBTYPES.iter().find(|(of, _)| *of == kind);
    match names.and_then(|(_, names)| words::name(names, subtype)) {
        Some(name) => write!(f, " subtype {name}"),
        None => write!(f, " subtype {subtype:#04x}"),
    }
}

impl Display for Pf<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let named = |names, value: u32| {
            let name = u8::try_from(value).ok().and_then(|value| words::name(names, value));
            name.map_or_else(|| value.to_string(), str::to_owned)
        };
        match *self {
            Self::Ifname(name) => write!(f, "ifname {}", escaped(name)),
            Self::Ruleset(name) => write!(f, "ruleset {}", escaped(name)),
            Self::Rulenum(number) => write!(f, "rulenum {number}"),
            Self::Subrulenum(number) => write!(f, "subrulenum {number}"),
            Self::Reason(reason) => write!(f, "reason {}", named(words::PF_REASONS, reason)),
            Self::Action(action) => write!(f, "action {}", named(words::PF_ACTIONS, action)),
        }
    }
}

impl Display for Llc {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match words::llc_name(*self) {
            Some(name) => write!(f, "llc {name}"),
            None => f.write_str("llc"),
        }
    }
}
