//! Where the distribution's libpcap (1.10.3) is known to be wrong or to differ from upstream's newest:
//! expressions whose answers are not compared with its. Most of the reasons are tests in
//! `filter_bugs.rs`.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use super::dlt;
use pcap::filter::Context;
use pcap::filter::ast::{Arith, ArithStep, Atm, Byteop, Expr, Proto, Relop, Step, Term};
use pcap::filter::pred::{Match, Pred};

/// What the terms of an expression say.
fn terms<'e, 't>(expr: &'e Expr<Pred<'t>>) -> impl Iterator<Item = &'e Pred<'t>> {
    expr.iter().filter_map(|step| match step {
        Step::Term(term) => Some(&term.node),
        _ => None,
    })
}

fn has_variable_header(dlt: i32) -> bool {
    dlt::is_wlan(dlt) || dlt == dlt::PFLOG
}

fn is_tunnel(term: &Pred) -> bool {
    matches!(term, Term::Geneve(_) | Term::Vxlan(_))
}

/// Whether the terms after this one are of another link layer.
fn moves(term: &Pred) -> bool {
    is_tunnel(term) || matches!(term, Term::Pppoes(_) | Term::Atm(Atm::Lane))
}

/// Why its program for an expression may be wrong, if it may.
pub fn wrong(expr: &Expr<Pred>, context: &Context) -> Option<&'static str> {
    let dlt = context.dlt;
    let any = |test: &dyn Fn(&Pred) -> bool| terms(expr).any(test);
    let variable = has_variable_header(dlt);
    if variable && any(&|term| matches!(term, Term::Relation { .. })) {
        return Some("a comparison overwrites the length of the headers");
    }
    if variable && any(&moves) {
        return Some("headers after a header of variable length");
    }
    if any(&is_tunnel) && expr.len() > 1 {
        return Some("headers in a tunnel are looked for in packets without one");
    }
    if any(
        &|term| matches!(term, Term::Relation { left, right, .. } if on_right(left) || on_right(right)),
    ) {
        return Some("what has to hold for an index on the right of an operator is forgotten");
    }
    if any(&|term| matches!(term, Term::Id(Match::ProtoChain { .. }))) {
        return Some("the way from an authentication header to the next");
    }
    if any(&has_open_net) {
        return Some("bits of which none counts are read, and have to be there");
    }
    if any(&|term| matches!(term, Term::Multicast(Some(Proto::Ip)))) {
        return Some("ip multicast: 240.0.0.0/4, too");
    }
    if any(&|term| matches!(term, Term::Byte { op: Byteop::And | Byteop::Or, .. })) {
        return Some("byte: & and | without a load");
    }
    let ne = |term: &Pred| {
        matches!(term, Term::AtmField { op: Relop::Ne, .. } | Term::Mtp3 { op: Relop::Ne, .. })
    };
    if any(&ne) {
        return Some("!= of fields of ATM and SS7 is =");
    }
    if any(&is_isis_pdu) {
        return Some("IS-IS: three reserved bits are compared");
    }
    if matches!(dlt, dlt::ARCNET | dlt::ARCNET_LINUX) {
        return Some("ARCnet: other bytes");
    }
    if any(&|term| matches!(term, Term::Inbound | Term::Outbound)) && dlt == dlt::SLIP {
        return Some("outbound: not only 1");
    }
    None
}

/// Whether an index that says something of the packet stands on the right of an operator.
fn on_right(arith: &Arith) -> bool {
    let mut stack = Vec::new();
    let mut any = false;
    for step in arith {
        let says = match step {
            ArithStep::Number(_) | ArithStep::Len => false,
            ArithStep::Neg => stack.pop().unwrap_or(false),
            ArithStep::Load { proto, .. } => {
                stack.pop().unwrap_or(false) || !matches!(proto, Proto::Link | Proto::Radio)
            }
            ArithStep::Binary(_) => {
                let right = stack.pop().unwrap_or(false);
                any |= right;
                stack.pop().unwrap_or(false) || right
            }
        };
        stack.push(says);
    }
    any
}

/// Whether one of an address's words may be anything.
fn has_open_net(term: &Pred) -> bool {
    let Term::Id(Match::Hosts { v4, v6, .. }) = term else { return false };
    v4.iter().any(|net| net.mask == 0) || v6.iter().any(|net| net.mask as u32 == 0)
}

fn is_isis_pdu(term: &Pred) -> bool {
    let levels = |proto: &Proto| {
        use Proto::{Csnp, Iih, L1, L2, Lsp, Psnp, Snp};
        matches!(proto, L1 | L2 | Iih | Lsp | Snp | Csnp | Psnp)
    };
    match term {
        Term::Abbrev(proto) => levels(proto),
        Term::Id(Match::IsisProto(_)) => true,
        _ => false,
    }
}

/// Why it may refuse an expression that upstream's newest takes, or the other way round.
pub fn differs(text: &str, expr: &Expr<Pred>, context: &Context) -> Option<&'static str> {
    let dlt = context.dlt;
    let any = |test: &dyn Fn(&Pred) -> bool| terms(expr).any(test);
    let new = ["proto lldp", "proto slow", "subtype bar", "subtype ba"];
    if new.iter().any(|word| text.contains(word)) {
        return Some("lldp, slow, bar and ba are new");
    }
    let told = |term: &Pred| match term {
        Term::Inbound | Term::Outbound => !tells_direction(dlt),
        Term::Ifindex(_) => dlt != dlt::LINUX_SLL2,
        _ => false,
    };
    let moved = any(&moves)
        && any(&|term| matches!(term, Term::Inbound | Term::Outbound | Term::Ifindex(_)));
    if moved || any(&told) {
        return Some("what only the kernel knows is taken without it");
    }
    if any(&|term| matches!(term, Term::Id(Match::LinkProto(256..=1500)))) {
        return Some("neither an Ethertype nor a service access point");
    }
    if matches!(dlt, dlt::EN3MB | dlt::AX25 | dlt::PRONET | dlt::CHAOS | dlt::REDBACK_SMARTEDGE) {
        return Some("link types of which nothing is known are new, if they are old");
    }
    if any(&|term| matches!(term, Term::Vxlan(_))) {
        return Some("vxlan is new");
    }
    if any(&|term| matches!(term, Term::Vlan(_))) && matches!(dlt, dlt::LINUX_SLL | dlt::LINUX_SLL2)
    {
        return Some("vlan in cooked captures is ours");
    }
    if any(&|term| matches!(term, Term::WlanType { .. } | Term::WlanDir(_))) && dlt == dlt::PPI {
        return Some("types and directions on PPI are new");
    }
    if matches!(dlt, dlt::DSA_TAG_BRCM | dlt::DSA_TAG_DSA) {
        return Some("switch tags are new");
    }
    if dlt == dlt::BACNET_MS_TP {
        return Some("addresses of MS/TP are new");
    }
    if any(&|term| matches!(term, Term::Mpls(_))) && any(&is_tunnel) {
        return Some("a tunnel over MPLS leads out of MPLS");
    }
    let atm = |term: &Pred| matches!(term, Term::Atm(_) | Term::AtmField { .. });
    if any(&moves) && any(&atm) {
        return Some("fields of ATM's header are looked for in another");
    }
    let reads = |term: &Pred| match term {
        Term::Relation { left, right, .. } => {
            left.iter().chain(right).any(|step| matches!(step, ArithStep::Load { .. }))
        }
        _ => false,
    };
    if any(&|term| matches!(term, Term::Atm(Atm::Lane))) && any(&reads) {
        return Some("lane and an index");
    }
    None
}

fn tells_direction(dlt: i32) -> bool {
    dlt::is_juniper(dlt)
        || matches!(
            dlt,
            dlt::SLIP | dlt::LINUX_SLL | dlt::LINUX_SLL2 | dlt::IPNET | dlt::PFLOG | dlt::PPP_PPPD
        )
}
