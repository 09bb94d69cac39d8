//! Identifiers to what they match: names are looked up, defaults filled in, and qualifiers and numbers that do
//! not fit are refused, in libpcap's words and in the order of its checks.
//!
//! Names are asked for through [`Resolver`] only. Whatever depends on the link type is lowering's.

use super::ast::{Dir, Id, Kind, Proto, Qualified, Quals, Term};
use super::pred::{IpVersion, LinkField, Match, Net4, Net6, Pred, Side, V4In};
use crate::names::address::{self, Ipv4Parts};
use crate::names::protocols;
use crate::names::resolver::{Addresses, MAX_ADDRESSES, Resolver};
use std::fmt::Display;
use std::net::Ipv6Addr;

mod ports;

/// What a term means, or what is wrong with it.
pub type Result<T> = std::result::Result<T, String>;

/// The largest number of an IS-IS PDU type.
const MAX_PDU_TYPE: u8 = 31;

/// Replaces a term's identifier, if it has one, by what it matches.
pub fn resolve<'t>(term: &Term<'t>, names: &dyn Resolver) -> Result<Pred<'t>> {
    term.try_map_id(|&Qualified { quals, id }| match quals {
        Some(quals) => identifier(quals, id, names),
        None => Err(unqualified(id, names)),
    })
}

/// What is wrong with an identifier that inherits from a term without qualifiers: its address, or just that.
fn unqualified(id: Id<'_>, names: &dyn Resolver) -> String {
    let any_address = Quals { kind: Some(Kind::Net), ..Quals::default() };
    match id {
        Id::Name(_) | Id::Number(_) | Id::Mac8(_) => None,
        address => identifier(any_address, address, names).err(),
    }
    .unwrap_or_else(|| "syntax error in filter expression".to_owned())
}

fn identifier(quals: Quals, id: Id<'_>, names: &dyn Resolver) -> Result<Match> {
    match id {
        Id::Name(name) => by_name(quals, name, names),
        Id::Number(number) => by_number(quals, number),
        Id::V4(text) => v4(quals, text),
        Id::V4Len(text, len) => v4_net(quals, text, &format!("{text}/{len}"), || {
            at_most("netmask length", len, 32_u8)?;
            Ok(u32::MAX.checked_shl(32 - len).unwrap_or(0))
        }),
        Id::V4Mask(text, mask) => {
            v4_net(quals, text, &format!("{text} mask {mask}"), || Ok(v4_parts(mask)?.address()))
        }
        Id::V6(text) => v6(quals, text, text, 128),
        Id::V6Len(text, len) => v6(quals, text, &format!("{text}/{len}"), len),
        Id::Mac48(text) => mac48(quals, text),
        Id::Mac8(text) => mac8(quals, text),
    }
}

const NOT_ETHER: &str = "Ethernet address used in non-ether expression";
/// What a MAC-48 address was written as.
const MAC48: &str = "link host XX:XX:XX:XX:XX:XX";

fn invalid(qualifier: impl Display, of: impl Display) -> String {
    format!("'{qualifier}' is not a valid qualifier for '{of}'")
}

fn at_most<T>(what: &str, value: u32, max: T) -> Result<T>
where
    T: TryFrom<u32> + Display + PartialOrd,
{
    match T::try_from(value) {
        Ok(value) if value <= max => Ok(value),
        _ => Err(format!("{what} {value} greater than maximum {max}")),
    }
}

/// The direction as a side, which those of 802.11 are not.
fn as_side(dir: Option<Dir>) -> std::result::Result<Side, Dir> {
    match dir {
        Some(Dir::Src) => Ok(Side::Src),
        Some(Dir::Dst) => Ok(Side::Dst),
        Some(Dir::SrcOrDst) | None => Ok(Side::SrcOrDst),
        Some(Dir::SrcAndDst) => Ok(Side::SrcAndDst),
        Some(other) => Err(other),
    }
}

fn side(dir: Option<Dir>) -> Result<Side> {
    as_side(dir).map_err(|dir| format!("'{dir}' is valid for 802.11 syntax only"))
}

fn link_field(dir: Option<Dir>) -> LinkField {
    match as_side(dir) {
        Ok(side) => LinkField::Side(side),
        Err(Dir::Addr1) => LinkField::Addr1,
        Err(Dir::Addr2) => LinkField::Addr2,
        Err(Dir::Addr3) => LinkField::Addr3,
        Err(Dir::Addr4) => LinkField::Addr4,
        Err(Dir::Ra) => LinkField::Ra,
        Err(_) => LinkField::Ta,
    }
}

/// Which headers an IPv4 address is looked for in; another protocol does not go with `what`.
fn v4_in(proto: Option<Proto>, what: &str) -> Result<V4In> {
    match proto {
        None => Ok(V4In::Any),
        Some(Proto::Ip) => Ok(V4In::Ip),
        Some(Proto::Arp) => Ok(V4In::Arp),
        Some(Proto::Rarp) => Ok(V4In::Rarp),
        Some(other) => Err(invalid(other, what)),
    }
}

fn by_name(quals: Quals, name: &str, names: &dyn Resolver) -> Result<Match> {
    let kind = quals.kind.unwrap_or(Kind::Host);
    if quals.proto == Some(Proto::Decnet) {
        return Err(invalid("decnet", kind));
    }
    match kind {
        Kind::Net => {
            let number = names.network(name.as_bytes()).unwrap_or_default();
            if number == 0 {
                return Err(format!("unknown network '{name}'"));
            }
            net4(quals, left_justified(number), "net <IPv4 network name>")
        }
        Kind::Host if quals.proto == Some(Proto::Link) => {
            Ok(mac48_of(name, link_field(quals.dir), "link host NAME", names))
        }
        Kind::Host => host(quals, name, names),
        Kind::Port => ports::by_name(quals, name, names),
        Kind::PortRange => ports::range(quals, name, names),
        Kind::Gateway => gateway(quals.proto, name, names),
        Kind::Proto => protocol(quals.proto, protocol_number(quals.proto, kind, name, names)?),
        Kind::ProtoChain => chain(quals.proto, protocol_number(quals.proto, kind, name, names)?),
    }
}

fn by_number(quals: Quals, number: u32) -> Result<Match> {
    if quals.proto == Some(Proto::Decnet) {
        return decnet(quals, &number.to_string(), None);
    }
    match quals.kind.unwrap_or(Kind::Host) {
        Kind::Host | Kind::Net if quals.proto == Some(Proto::Link) => Err(illegal_link(number)),
        Kind::Host => net4(quals, Net4 { addr: number, mask: u32::MAX }, HOST4),
        Kind::Net => net4(quals, left_justified(number), NET4),
        // "portrange N" is "port N".
        kind @ (Kind::Port | Kind::PortRange) => ports::by_number(quals, kind, number),
        Kind::Proto => protocol(quals.proto, number),
        Kind::ProtoChain => chain(quals.proto, number),
        Kind::Gateway => Err(invalid("gateway", number)),
    }
}

fn illegal_link(text: impl Display) -> String {
    format!("illegal link-layer address '{text}'")
}

const HOST4: &str = "host <IPv4 address>";
const NET4: &str = "net <IPv4 address>";

fn net4(quals: Quals, net: Net4, what: &str) -> Result<Match> {
    let side = side(quals.dir)?;
    let v4_in = v4_in(quals.proto, what)?;
    Ok(Match::Hosts { v4: vec![net], v4_in, v6: Vec::new(), side })
}

/// A network that is given by its first numbers.
fn left_justified(number: u32) -> Net4 {
    // Of 0, all bits count.
    let shift = if number == 0 { 0 } else { number.leading_zeros() / 8 * 8 };
    Net4 { addr: number << shift, mask: u32::MAX << shift }
}

fn invalid_v4(text: &str) -> String {
    format!("invalid IPv4 address '{text}'")
}

fn v4_parts(text: &str) -> Result<Ipv4Parts> {
    address::ipv4(text.as_bytes()).ok_or_else(|| invalid_v4(text))
}

fn v4(quals: Quals, text: &str) -> Result<Match> {
    if quals.proto == Some(Proto::Decnet) {
        return decnet(quals, text, address::decnet(text.as_bytes()));
    }
    let parts = v4_parts(text)?;
    let what = match quals.kind {
        None | Some(Kind::Host) => HOST4,
        Some(Kind::Net) => NET4,
        Some(other) => return Err(invalid(other, text)),
    };
    if quals.proto == Some(Proto::Link) {
        return Err(illegal_link(text));
    }
    net4(quals, Net4 { addr: parts.address(), mask: parts.mask() }, what)
}

/// A network with a mask; `written` is all of it.
fn v4_net(
    quals: Quals,
    text: &str,
    written: &str,
    mask: impl FnOnce() -> Result<u32>,
) -> Result<Match> {
    let kind = quals.kind.unwrap_or(Kind::Host);
    if quals.proto == Some(Proto::Decnet) {
        return Err(invalid("decnet", kind));
    }
    let addr = v4_parts(text)?.address();
    let mask = mask()?;
    if addr & !mask != 0 {
        return Err(non_network_bits(written));
    }
    if kind != Kind::Net {
        return Err(invalid(kind, written));
    }
    net4(quals, Net4 { addr, mask }, "net <IPv4 prefix>")
}

fn non_network_bits(written: &str) -> String {
    format!("non-network bits set in \"{written}\"")
}

/// An IPv6 network; `written` is all of it.
fn v6(quals: Quals, text: &str, written: &str, len: u32) -> Result<Match> {
    let addr: u128 = text
        .parse::<Ipv6Addr>()
        .map_err(|_| format!("'{text}' is not a valid IPv6 address"))?
        .to_bits();
    if len > 128 {
        return Err("mask length must be <= 128".to_owned());
    }
    let mask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
    if addr & !mask != 0 {
        return Err(non_network_bits(written));
    }
    match quals.kind.unwrap_or(Kind::Host) {
        Kind::Net => (),
        Kind::Host if len == 128 => (),
        // QUIRK: a length that says that it is a host is not told.
        kind => return Err(invalid(kind, if len == 128 { text } else { written })),
    }
    let side = side(quals.dir)?;
    // QUIRK: without a type it is called a network.
    let host = quals.kind == Some(Kind::Host);
    v6_proto(quals.proto, if host { "host <IPv6 address>" } else { "net <IPv6 prefix>" })?;
    let v6 = vec![Net6 { addr, mask }];
    Ok(Match::Hosts { v4: Vec::new(), v4_in: V4In::Any, v6, side })
}

fn v6_proto(proto: Option<Proto>, what: &str) -> Result<()> {
    match proto {
        None | Some(Proto::Ip6) => Ok(()),
        Some(other) => Err(invalid(other, what)),
    }
}

fn mac48(quals: Quals, text: &str) -> Result<Match> {
    if !matches!(quals.kind, None | Some(Kind::Host)) || quals.proto != Some(Proto::Link) {
        return Err(NOT_ETHER.to_owned());
    }
    let addr = address::mac48(text.as_bytes())
        .ok_or_else(|| format!("invalid MAC-48 address '{text}'"))?;
    Ok(Match::Mac48 { addr, field: link_field(quals.dir), context: MAC48 })
}

fn mac8(quals: Quals, text: &str) -> Result<Match> {
    let side = side(quals.dir)?;
    if let Some(kind) = quals.kind.filter(|kind| *kind != Kind::Host) {
        return Err(invalid(kind, "$XX"));
    }
    if quals.proto != Some(Proto::Link) {
        return Err("'link' is the only valid proto qualifier for 'host $XX'".to_owned());
    }
    let addr =
        address::mac8(text.as_bytes()).ok_or_else(|| format!("invalid MAC-8 address '{text}'"))?;
    Ok(Match::Mac8 { addr, side })
}

/// The DECnet address that `text` was found to be, if it was.
fn decnet(quals: Quals, text: &str, addr: Option<u16>) -> Result<Match> {
    let side = side(quals.dir)?;
    if let Some(kind) = quals.kind.filter(|kind| *kind != Kind::Host) {
        return Err(invalid("decnet", kind));
    }
    let addr = addr.ok_or_else(|| format!("invalid DECnet address '{text}'"))?;
    Ok(Match::Decnet { addr, side })
}

fn mac48_of(name: &str, field: LinkField, context: &'static str, names: &dyn Resolver) -> Match {
    match names.ether(name.as_bytes()) {
        Some(addr) => Match::Mac48 { addr, field, context },
        None => Match::UnknownMac48 { name: name.to_owned(), context },
    }
}

fn few<T>(addresses: &[T], family: &str) -> Result<()> {
    if addresses.len() > MAX_ADDRESSES {
        return Err(format!("More than {MAX_ADDRESSES} {family} addresses per name"));
    }
    Ok(())
}

/// The addresses of a host, in the families that the protocol has.
fn addresses(proto: Option<Proto>, name: &str, names: &dyn Resolver) -> Result<Addresses> {
    let unknown = || format!("unknown host '{name}'");
    let mut found = names.host(name.as_bytes()).map_err(|_| unknown())?;
    match proto {
        Some(Proto::Ip6) => found.v4.clear(),
        Some(Proto::Ip | Proto::Arp | Proto::Rarp) => found.v6.clear(),
        _ => (),
    }
    match proto {
        Some(_) if found == Addresses::default() => {
            Err(unknown() + " for specified address family")
        }
        _ => Ok(found),
    }
}

fn host(quals: Quals, name: &str, names: &dyn Resolver) -> Result<Match> {
    let found = addresses(quals.proto, name, names)?;
    few(&found.v4, "IPv4")?;
    let side = side(quals.dir)?;
    let v4_in = match quals.proto {
        Some(Proto::Ip6) => V4In::Any,
        proto => v4_in(proto, "host <Internet hostname>")?,
    };
    few(&found.v6, "IPv6")?;
    let v4 = found.v4.into_iter().map(u32::from_be_bytes);
    let v6 = found.v6.into_iter().map(u128::from_be_bytes);
    Ok(Match::Hosts {
        v4: v4.map(|addr| Net4 { addr, mask: u32::MAX }).collect(),
        v4_in,
        v6: v6.map(|addr| Net6 { addr, mask: u128::MAX }).collect(),
        side,
    })
}

fn gateway(proto: Option<Proto>, name: &str, names: &dyn Resolver) -> Result<Match> {
    let v4_in = v4_in(proto, "gateway")?;
    let either = LinkField::Side(Side::SrcOrDst);
    let mac = match mac48_of(name, either, "gateway", names) {
        Match::Mac48 { addr, .. } => addr,
        unknown => return Ok(unknown),
    };
    let found = addresses(proto, name, names)?;
    if found.v4.is_empty() {
        return Err(format!("unknown host '{name}'"));
    }
    few(&found.v4, "IPv4")?;
    Ok(Match::Gateway { mac, v4: found.v4.into_iter().map(u32::from_be_bytes).collect(), v4_in })
}

/// The number of a protocol's name. Whether the qualifiers go together is not this function's to say.
fn protocol_number(
    proto: Option<Proto>,
    kind: Kind,
    name: &str,
    names: &dyn Resolver,
) -> Result<u32> {
    let bytes = name.as_bytes();
    let found = match proto {
        None | Some(Proto::Ip | Proto::Ip6) => names.protocol(bytes),
        Some(Proto::Link) => protocols::ethertype(bytes)
            .map(u32::from)
            .or_else(|| protocols::llc_sap(bytes).map(u32::from)),
        Some(Proto::Iso) => protocols::iso_protocol(bytes).map(u32::from),
        // The numbers of IS-IS have no names.
        _ => None,
    };
    found.ok_or_else(|| match proto {
        None => format!("unknown '{kind}' value '{name}'"),
        Some(proto) => format!("unknown '{proto} {kind}' value '{name}'"),
    })
}

const PROTOCOL: &str = "protocol number";

fn ip_version(proto: Option<Proto>) -> std::result::Result<IpVersion, Proto> {
    match proto {
        None => Ok(IpVersion::Both),
        Some(Proto::Ip) => Ok(IpVersion::Ip),
        Some(Proto::Ip6) => Ok(IpVersion::Ip6),
        Some(other) => Err(other),
    }
}

fn protocol(proto: Option<Proto>, number: u32) -> Result<Match> {
    match ip_version(proto) {
        Ok(version) => {
            Ok(Match::IpProto { version, protocol: at_most(PROTOCOL, number, u8::MAX)? })
        }
        Err(Proto::Link) => Ok(Match::LinkProto(number)),
        Err(Proto::Iso) => Ok(Match::IsoProto(at_most("ISO protocol", number, u8::MAX)?)),
        Err(Proto::Isis) => Ok(Match::IsisProto(at_most("IS-IS PDU type", number, MAX_PDU_TYPE)?)),
        Err(other) => Err(invalid(other, "proto")),
    }
}

fn chain(proto: Option<Proto>, number: u32) -> Result<Match> {
    let version = ip_version(proto).map_err(|other| invalid(other, "protochain"))?;
    Ok(Match::ProtoChain { version, protocol: at_most(PROTOCOL, number, u8::MAX)? })
}

#[cfg(test)]
mod tests;
