//! What qualifiers apply to.

use super::{Frame, Open, Parser, Result, Value};
use crate::filter::ast::{BinOp, Id, Kind, Qualified, Quals, Span, Spanned, Step, Term};
use crate::filter::error::FilterError;
use crate::filter::token::{Bad, Token, Word};

impl Parser<'_> {
    /// A number that is an identifier.
    pub(super) fn number(&mut self, number: u32, span: Span) -> Value {
        let frame = self.top();
        self.push_id(frame, Id::Number(number), span);
        Value::Id
    }
}

impl<'t> Parser<'t> {
    /// Any other identifier: the token is one.
    pub(super) fn identifier(&mut self, frame: Frame) -> Result<()> {
        let (token, start) = (self.token, self.span.start);
        self.take();
        let id = match token {
            Token::V4(address) => self.v4(address)?,
            Token::V6(address) if self.token == Token::Op(BinOp::Div) => {
                Id::V6Len(address, self.prefix_length()?)
            }
            Token::V6(address) => Id::V6(address),
            Token::Mac48(address) => Id::Mac48(address),
            Token::Mac8(address) => Id::Mac8(address),
            Token::Name(name) => Id::Name(name),
            _ => return Err(self.expected(frame.want.hint())),
        };
        let span = Span { start, end: self.end };
        if let Some(text) = misapplied(frame.quals, id) {
            // libpcap reads the token behind an address to know that it is only an address. What its scanner
            // says of that token comes first; of a stray character it says nothing.
            let read = matches!(id, Id::V4(_) | Id::V6(_));
            if read && matches!(self.token, Token::Bad(bad) if bad != Bad::Stray) {
                return Err(self.expected("'and' or 'or'"));
            }
            return Err(FilterError::new(text).at(span).hint("expected a name or a number"));
        }
        self.push_id(frame, id, span);
        Ok(())
    }

    fn v4(&mut self, address: &'t str) -> Result<Id<'t>> {
        match self.token {
            Token::Op(BinOp::Div) => Ok(Id::V4Len(address, self.prefix_length()?)),
            Token::Word(Word::Mask) => {
                self.take();
                let Token::V4(mask) = self.token else {
                    return Err(self.expected("a netmask such as 255.255.255.0"));
                };
                self.take();
                Ok(Id::V4Mask(address, mask))
            }
            _ => Ok(Id::V4(address)),
        }
    }

    /// `/` and a number.
    fn prefix_length(&mut self) -> Result<u32> {
        self.take();
        let Token::Number(number) = self.token else {
            return Err(self.expected("a prefix length"));
        };
        self.take();
        Ok(number)
    }

    /// The place of an identifier begins at its qualifiers if they are only for it.
    fn push_id(&mut self, frame: Frame, id: Id<'t>, span: Span) {
        let outer = self.frames.len().checked_sub(2).and_then(|at| self.frames.get(at));
        let start = match (frame.open, outer) {
            (Open::Head, Some(outer)) => outer.operand,
            _ => span.start,
        };
        let span = Span { start, ..span };
        let node = Term::Id(Qualified { quals: frame.quals, id });
        self.steps.push(Step::Term(Spanned { node, span }));
    }
}

/// The types of identifiers that addresses cannot be.
fn misapplied(quals: Option<Quals>, id: Id<'_>) -> Option<String> {
    let kind = match quals?.kind? {
        Kind::Port => "port",
        Kind::PortRange => "portrange",
        Kind::Proto => "proto",
        Kind::ProtoChain => "protochain",
        Kind::Host | Kind::Net | Kind::Gateway => return None,
    };
    let what = match id {
        Id::V4(_) => "IPv4 address",
        Id::V4Len(..) => "IPv4 address and prefix length",
        Id::V4Mask(..) => "IPv4 address and netmask",
        Id::V6(_) => "IPv6 address",
        Id::V6Len(..) => "IPv6 address and prefix length",
        Id::Number(_) | Id::Name(_) | Id::Mac48(_) | Id::Mac8(_) => return None,
    };
    Some(format!("'{kind}' qualifier applied to {what}"))
}
