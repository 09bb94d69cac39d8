//! What expressions ask of packets, link type by link type.

mod packets;

use crate::bpf::Meta;
use crate::filter::compile::formula;
use crate::filter::ir::{FormId, Ir};
use crate::filter::{Context, Source};
use crate::linktype;
use crate::names::ports::Port;
use crate::names::resolver::{Addresses, Failure, Resolver};

/// Each a line of link type, source and expression, and then what is asked: one a strategy.
const FORMS: &str = include_str!("tests/forms.txt");

/// The same with what is wrong.
const ERRORS: &str = include_str!("tests/errors.txt");

/// Knows few names.
struct Names;

impl Resolver for Names {
    fn host(&self, _: &[u8]) -> Result<Addresses, Failure> {
        Ok(Addresses { v4: vec![[10, 0, 0, 1], [10, 0, 0, 2]], v6: vec![] })
    }

    fn network(&self, _: &[u8]) -> Option<u32> {
        None
    }

    fn port(&self, _: &[u8]) -> Result<Port, Failure> {
        unreachable!("no test asks for one")
    }

    fn protocol(&self, _: &[u8]) -> Option<u32> {
        None
    }

    fn ether(&self, name: &[u8]) -> Option<[u8; 6]> {
        (name == b"gate").then_some([0, 1, 2, 3, 4, 5])
    }
}

const DEAD: Source = Source::Dead;
const SAVED: Source = Source::Savefile { swapped: false };
const LIVE: Source = Source::Live { vlan: true };

fn lower(dlt: i32, source: Source, text: &str, ir: &mut Ir) -> Result<FormId, String> {
    let context = Context { dlt, netmask: 0xffff_ff00, source };
    formula(text, context, &Names, ir).map_err(|error| error.text.into_owned())
}

/// The cases of a file: link type, source, expression, and what is expected.
fn cases(file: &'static str) -> impl Iterator<Item = (i32, Source, &'static str, &'static str)> {
    file.split("\n\n").map(|case| {
        let (head, want) = case.split_once('\n').expect(case);
        let (place, text) = head.split_once(": ").expect(head);
        let (name, source) = place.split_once(' ').expect(head);
        let dlt = linktype::by_name(name).expect(head).dlt;
        let source = match source {
            "dead" => DEAD,
            "saved" => SAVED,
            "live" => LIVE,
            _ => panic!("{head}"),
        };
        (dlt, source, text, want.trim_end())
    })
}

#[test]
fn forms() {
    let mut wrong = String::new();
    for (dlt, source, text, want) in cases(FORMS) {
        let mut ir = Ir::new();
        let found = match lower(dlt, source, text, &mut ir) {
            Ok(formula) => ir.show(formula),
            Err(error) => error,
        };
        if found.trim_end() != want {
            wrong += &format!("{dlt} {text}\n{found}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn errors() {
    let mut wrong = String::new();
    for (dlt, source, text, want) in cases(ERRORS) {
        let found = lower(dlt, source, text, &mut Ir::new());
        if found.as_ref().err().map(String::as_str) != Some(want) {
            wrong += &format!("{dlt} {text}\n{found:?}\n{want}\n\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_no_type() {
    for dlt in [-1, 13, 305, 65_535] {
        let want = Err(format!("unknown data link type {dlt}"));
        assert_eq!(lower(dlt, DEAD, "len > 0", &mut Ir::new()), want);
    }
    let nameless = lower(126, DEAD, "ip", &mut Ir::new());
    let want = "link-layer type filtering not implemented for DLT 126";
    assert_eq!(nameless, Err(want.to_owned()));
}

/// Whether a packet is wanted.
fn wants(dlt: i32, source: Source, text: &str, packet: &[u8], meta: Option<&Meta>) -> bool {
    let mut ir = Ir::new();
    let formula = lower(dlt, source, text, &mut ir).unwrap_or_else(|e| panic!("{dlt} {text}: {e}"));
    let wire_len = u32::try_from(packet.len()).unwrap();
    ir.eval(formula, packet, wire_len, meta) == Some(true)
}
