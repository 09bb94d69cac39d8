//! LLC subtypes, and the OSI protocols behind LLC headers: network layer protocols (ISO/IEC TR 9577) and IS-IS.

use super::proto::{SAP_ISO, points};
use super::{Lowering, Result};
use crate::filter::ast::{self, Proto};
use crate::filter::ir::{FormId, Width};
use crate::linktype::layout::{Llc, ProtoTest};

/// IS-IS.
const ISIS: u8 = 0x83;

/// The five bits of a PDU type.
const PDU_TYPE: u32 = 0x1f;

const L1_HELLO: u8 = 15;
const L2_HELLO: u8 = 16;
const PTP_HELLO: u8 = 17;
const L1_LSP: u8 = 18;
const L2_LSP: u8 = 20;
const L1_CSNP: u8 = 24;
const L2_CSNP: u8 = 25;
const L1_PSNP: u8 = 26;
const L2_PSNP: u8 = 27;

/// The PDU types of a keyword of IS-IS.
pub(super) const fn pdu_types(proto: Proto) -> Option<&'static [u8]> {
    Some(match proto {
        Proto::L1 => &[L1_HELLO, PTP_HELLO, L1_LSP, L1_CSNP, L1_PSNP],
        Proto::L2 => &[L2_HELLO, PTP_HELLO, L2_LSP, L2_CSNP, L2_PSNP],
        Proto::Iih => &[L1_HELLO, L2_HELLO, PTP_HELLO],
        Proto::Lsp => &[L1_LSP, L2_LSP],
        Proto::Snp => &[L1_CSNP, L2_CSNP, L1_PSNP, L2_PSNP],
        Proto::Csnp => &[L1_CSNP, L2_CSNP],
        Proto::Psnp => &[L1_PSNP, L2_PSNP],
        _ => return None,
    })
}

/// The network layer protocol identifier of a keyword.
pub(super) const fn nlpid(proto: Proto) -> Option<u8> {
    Some(match proto {
        Proto::Clnp => 0x81,
        Proto::Esis => 0x82,
        Proto::Isis => ISIS,
        _ => return None,
    })
}

impl Lowering<'_> {
    /// A network layer protocol identifier.
    pub(super) fn iso(&mut self, nlpid: u8) -> Result<FormId> {
        if self.link.layout.proto == ProtoTest::FrameRelay {
            return Ok(self.frame_relay_nlpid(&[nlpid.into()]));
        }
        let link = self.proto(SAP_ISO)?;
        let at = self.osi(0);
        let first = self.load(at, Width::Byte);
        let is = self.ir.is(first, nlpid.into());
        Ok(self.ir.and(link, is))
    }

    /// Any of these PDU types of IS-IS.
    pub(super) fn isis(&mut self, types: &[u8]) -> Result<FormId> {
        let isis = self.iso(ISIS)?;
        let at = self.osi(4);
        let byte = self.load(at, Width::Byte);
        let pdu = self.ir.mask(byte, PDU_TYPE);
        let is = self.ir.test(pdu, points(types.iter().map(|&pdu| pdu.into())));
        Ok(self.ir.and(isis, is))
    }

    /// `n` bytes into an OSI packet. Cisco's HDLC puts a byte in front.
    fn osi(&mut self, n: u32) -> super::link::Place {
        let padding = u32::from(self.link.layout.proto == ProtoTest::Hdlc);
        self.network_nosnap().plus(n + padding)
    }

    /// `llc ...`.
    pub(super) fn llc(&mut self, llc: ast::Llc) -> Result<FormId> {
        let has = match self.link.layout.llc {
            Llc::Unsupported => return self.unsupported("llc"),
            Llc::Always => self.ir.truth(),
            Llc::Wlan => self.is_data(),
            Llc::SunAtm => self.atm_kind(super::atm::LLC),
            Llc::Ethernet => {
                let is_length = self.is_length();
                let saps = self.load(self.link.payload, Width::Half);
                let no_novell = self.ir.is_not(saps, 0xffff);
                self.ir.and(is_length, no_novell)
            }
        };
        // Bits of the control field, which is a byte in U frames and two in others.
        let (mask, value) = match llc {
            ast::Llc::Any => return Ok(has),
            ast::Llc::I => (0x01, 0x00),
            ast::Llc::S => (0x03, 0x01),
            ast::Llc::U => (0x03, 0x03),
            ast::Llc::SSubtype(value) => (0x0f, value),
            ast::Llc::USubtype(value) => (0xef, value),
        };
        let control = self.load(self.link.payload.plus(2), Width::Byte);
        let is = self.ir.masked_is(control, mask, value.into());
        Ok(self.ir.and(has, is))
    }
}
