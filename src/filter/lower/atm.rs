//! SunATM: kinds of cells, virtual circuits, and Q.2931's signalling (ITU-T Q.2931, ATM Forum UNI 3.1).

use super::link::Link;
use super::proto::points;
use super::{Lowering, Result, check, keyword};
use crate::filter::ast::{Atm, AtmField, Relop};
use crate::filter::ir::{FormId, ValId, Width};
use crate::linktype::dlt;
use crate::linktype::layout::{ProtoTest, layout};
use std::fmt::Debug;

/// Kinds of cells: the low half of the first byte.
const LANE: u32 = 1;
pub(super) const LLC: u32 = 2;

/// Where the virtual path, the virtual circuit and the payload are.
const VPI: u32 = 1;
const VCI: u32 = 2;
const PAYLOAD: u32 = 4;

/// Where a signalling message tells its type.
const MESSAGE_TYPE: u32 = PAYLOAD + 5;

/// SETUP, CALL PROCEEDING, CONNECT, RELEASE and RELEASE COMPLETE.
const CONNECTING: [u32; 5] = [0x05, 0x02, 0x07, 0x4d, 0x5a];
const CONNECT_ACK: u32 = 0x0f;

impl Lowering<'_> {
    /// A class of traffic: a circuit of path 0, mostly.
    pub(super) fn atm(&mut self, class: Atm) -> Result<FormId> {
        self.check_sunatm(class)?;
        let circuits: &[u32] = match class {
            Atm::Lane => return Ok(self.lane()),
            Atm::Metac | Atm::Metaconnect => &[1],
            Atm::Bcc => &[2],
            Atm::Oamf4sc => &[3],
            Atm::Oamf4ec => &[4],
            Atm::Oam | Atm::Oamf4 => &[3, 4],
            Atm::Sc | Atm::Connectmsg => &[5],
            Atm::Ilmic => &[16],
        };
        let path = self.atm_value(AtmField::Vpi);
        let path = self.ir.is(path, 0);
        let circuit = self.atm_value(AtmField::Vci);
        let circuit = self.ir.test(circuit, points(circuits.iter().copied()));
        let is = self.ir.and(path, circuit);
        let messages = match class {
            Atm::Metaconnect => points(CONNECTING),
            Atm::Connectmsg => points(CONNECTING.into_iter().chain([CONNECT_ACK])),
            _ => return Ok(is),
        };
        let message = self.load(self.link.header.plus(MESSAGE_TYPE), Width::Byte);
        let message = self.ir.test(message, messages);
        Ok(self.ir.and(is, message))
    }

    /// `vpi` and `vci`.
    pub(super) fn atm_field(&mut self, field: AtmField, op: Relop, value: u32) -> Result<FormId> {
        self.check_sunatm(field)?;
        match field {
            AtmField::Vpi => check("VPI", value, 0xff)?,
            AtmField::Vci => check("VCI", value, 0xffff)?,
        }
        let found = self.atm_value(field);
        let value = self.ir.constant(value);
        Ok(self.ir.relation(op, found, value))
    }

    fn atm_value(&mut self, field: AtmField) -> ValId {
        let (at, width) = match field {
            AtmField::Vpi => (VPI, Width::Byte),
            AtmField::Vci => (VCI, Width::Half),
        };
        self.load(self.link.header.plus(at), width)
    }

    /// Whether it is a cell of this kind.
    pub(super) fn atm_kind(&mut self, kind: u32) -> FormId {
        let first = self.load(self.link.header, Width::Byte);
        self.ir.masked_is(first, 0x0f, kind)
    }

    /// LAN emulation: what follows is an Ethernet frame behind two bytes, unless those are a control frame's.
    fn lane(&mut self) -> FormId {
        let is = self.atm_kind(LANE);
        let marker = self.load(self.link.header.plus(PAYLOAD), Width::Half);
        let is_frame = self.ir.is_not(marker, 0xff00);
        if let Some(ethernet) = layout(dlt::EN10MB) {
            let header = self.link.header.plus(PAYLOAD + 2);
            self.link = Link {
                framed: Some(is_frame),
                typed: Some(is_frame),
                ..Link::carried(ethernet, header, header.plus(12), header.plus(14))
            };
        }
        is
    }

    fn check_sunatm(&self, word: impl Debug) -> Result<()> {
        match self.link.layout.proto {
            ProtoTest::SunAtm => Ok(()),
            _ => Err(format!("'{}' supported only on SUNATM", keyword(word))),
        }
    }
}
