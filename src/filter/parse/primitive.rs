//! Terms that have a shape of their own, and the qualifiers in front of identifiers.

use super::{Frame, Open, Parser, Result, Want};
use crate::filter::ast::{
    AtmField, BinOp, Byteop, Dir, Kind, Llc, Mtp3, Pf, Proto, Quals, Relop, Span, Spanned, Step,
    Term,
};
use crate::filter::error::FilterError;
use crate::filter::token::{Token, Word};
use crate::filter::words::{self, Words};

/// A field that has a comparison, a number or a list of numbers behind it.
#[derive(Clone, Copy)]
enum Field {
    Atm(AtmField),
    Mtp3(Mtp3),
}

impl<'t> Parser<'t> {
    /// A term, whose protocol has been taken if there is one: true. Or qualifiers, after which an identifier
    /// is wanted: false.
    pub(super) fn term_of(&mut self, proto: Option<Proto>) -> Result<bool> {
        let start = self.top().operand;
        let term = match (self.token, proto) {
            (Token::Dir(_) | Token::Kind(_), _) => return self.head(proto).map(|()| false),
            (Token::Word(Word::Broadcast), _) => self.taken(Term::Broadcast(proto)),
            (Token::Word(Word::Multicast), _) => self.taken(Term::Multicast(proto)),
            (Token::Word(Word::Type), _) => self.wlan_type()?,
            (Token::Word(Word::Subtype), _) => self.wlan_subtype()?,
            (Token::Word(Word::WlanDir), _) => self.wlan_dir()?,
            (Token::And | Token::Or | Token::Close | Token::End, Some(proto)) => {
                Term::Abbrev(proto)
            }
            (_, Some(_)) => return Err(self.expected("'host', 'net', 'port', 'and' or 'or'")),
            (Token::AtmField(field), None) => return self.field(Field::Atm(field), start),
            (Token::Mtp3(field), None) => return self.field(Field::Mtp3(field), start),
            (Token::Atm(atm), None) => self.taken(Term::Atm(atm)),
            (Token::Mtp2(mtp2), None) => self.taken(Term::Mtp2(mtp2)),
            (Token::Word(word), None) => self.word(word)?,
            (_, None) => return Err(self.expected(self.top().want.hint())),
        };
        self.push(term, start);
        Ok(true)
    }

    /// A term that is one token.
    fn taken(&mut self, term: Term<'t>) -> Term<'t> {
        self.take();
        term
    }

    /// Direction and type.
    fn head(&mut self, proto: Option<Proto>) -> Result<()> {
        let mut quals = Quals { proto, dir: None, kind: None };
        if let Token::Dir(dir) = self.token {
            self.take();
            quals.dir = Some(self.direction(dir)?);
        }
        match (self.token, quals.dir) {
            (Token::Kind(Kind::Gateway | Kind::Proto | Kind::ProtoChain), Some(_)) => {}
            (Token::Kind(kind), _) => {
                quals.kind = Some(kind);
                self.take();
            }
            _ => {}
        }
        let (operand, quals) = (self.span.start, Some(quals));
        self.nest(Frame { open: Open::Head, want: Want::Id, quals, operand })
    }

    /// `src` and `dst` may be joined.
    fn direction(&mut self, first: Dir) -> Result<Dir> {
        let (other, joined) = match (first, self.token) {
            (Dir::Src, Token::Or) => (Dir::Dst, Dir::SrcOrDst),
            (Dir::Src, Token::And) => (Dir::Dst, Dir::SrcAndDst),
            (Dir::Dst, Token::Or) => (Dir::Src, Dir::SrcOrDst),
            (Dir::Dst, Token::And) => (Dir::Src, Dir::SrcAndDst),
            _ => return Ok(first),
        };
        self.take();
        if self.token != Token::Dir(other) {
            return Err(self.expected(if other == Dir::Dst { "'dst'" } else { "'src'" }));
        }
        self.take();
        Ok(joined)
    }

    /// Terms that begin with a keyword of no family.
    fn word(&mut self, word: Word) -> Result<Term<'t>> {
        if word == Word::Len || word == Word::Mask {
            return Err(self.expected(self.top().want.hint()));
        }
        self.take();
        Ok(match word {
            Word::Less => Term::Less(self.literal("a number")?),
            Word::Greater => Term::Greater(self.literal("a number")?),
            Word::Byte => self.byte()?,
            Word::Inbound => Term::Inbound,
            Word::Outbound => Term::Outbound,
            Word::Ifindex => Term::Ifindex(self.literal("an interface's number")?),
            Word::Vlan => Term::Vlan(self.optional_number()?),
            Word::Mpls => Term::Mpls(self.optional_number()?),
            Word::Pppoed => Term::Pppoed,
            Word::Pppoes => Term::Pppoes(self.optional_number()?),
            Word::Geneve => Term::Geneve(self.optional_number()?),
            Word::Vxlan => Term::Vxlan(self.optional_number()?),
            Word::Llc => Term::Llc(self.llc()?),
            Word::Ifname => Term::Pf(Pf::Ifname(self.name("an interface's name")?)),
            Word::Ruleset => Term::Pf(Pf::Ruleset(self.name("a ruleset's name")?)),
            Word::Rulenum => Term::Pf(Pf::Rulenum(self.literal("a rule's number")?)),
            Word::Subrulenum => Term::Pf(Pf::Subrulenum(self.literal("a rule's number")?)),
            Word::Reason => Term::Pf(Pf::Reason(self.reason()?)),
            Word::Action => Term::Pf(Pf::Action(self.action()?)),
            _ => return Err(self.expected(self.top().want.hint())),
        })
    }

    /// A number without parentheses.
    fn literal(&mut self, what: &str) -> Result<u32> {
        let Token::Number(number) = self.token else {
            return Err(self.expected(what));
        };
        self.take();
        Ok(number)
    }

    /// A number, maybe in parentheses, if there is one.
    fn optional_number(&mut self) -> Result<Option<u32>> {
        let mut depth = 0;
        while self.token == Token::Open {
            depth += 1;
            self.check_depth(depth)?;
            self.take();
        }
        if depth == 0 && !matches!(self.token, Token::Number(_)) {
            return Ok(None);
        }
        let number = self.literal("a number")?;
        for _ in 0..depth {
            if self.token != Token::Close {
                return Err(self.expected("')'"));
            }
            self.take();
        }
        Ok(Some(number))
    }

    fn name(&mut self, what: &str) -> Result<&'t str> {
        let Token::Name(name) = self.token else {
            return Err(self.expected(what));
        };
        self.take();
        Ok(name)
    }

    /// The value of a name that is a word of `names`.
    fn named(&mut self, names: Words, what: &str, text: impl Fn(&str) -> String) -> Result<u8> {
        let span = self.span;
        let name = self.name(what)?;
        let unknown = || FilterError::new(text(name)).at(span).hint(format!("expected {what}"));
        words::value(names, name).ok_or_else(unknown)
    }

    /// A number that has no bits outside of `mask`.
    fn masked(&mut self, number: u32, mask: u8, text: impl Fn(u32) -> String) -> Result<u8> {
        let span = self.span;
        let fits = u8::try_from(number).ok().filter(|number| number & !mask == 0);
        let hint = format!("expected no bits but those of {mask:#04x}");
        self.take();
        fits.ok_or_else(|| FilterError::new(text(number)).at(span).hint(hint))
    }

    fn byte(&mut self) -> Result<Term<'t>> {
        let offset = self.literal("an offset")?;
        let op = match self.token {
            Token::Op(BinOp::And) => Byteop::And,
            Token::Op(BinOp::Or) => Byteop::Or,
            Token::Relop(Relop::Lt) => Byteop::Lt,
            Token::Relop(Relop::Gt) => Byteop::Gt,
            Token::Relop(Relop::Eq) => Byteop::Eq,
            _ => return Err(self.expected("'&', '|', '<', '>' or '='")),
        };
        self.take();
        Ok(Term::Byte { offset, op, value: self.literal("a number")? })
    }

    fn llc(&mut self) -> Result<Llc> {
        let span = self.span;
        match self.token {
            Token::Name(name) => {
                self.take();
                let text = format!("unknown LLC type name \"{name}\"");
                let hint = "expected i, s, u or a subtype of s or u";
                words::llc(name).ok_or_else(|| FilterError::new(text).at(span).hint(hint))
            }
            // The keyword is also the short form of `rulenum`.
            Token::Word(Word::Rulenum) => {
                self.take();
                Ok(words::LLC_RNR)
            }
            _ => Ok(Llc::Any),
        }
    }

    fn reason(&mut self) -> Result<u32> {
        if let Token::Number(number) = self.token {
            self.take();
            return Ok(number);
        }
        let unknown = |name: &str| format!("unknown PF reason \"{name}\"");
        self.named(words::PF_REASONS, "a reason such as match", unknown).map(u32::from)
    }

    fn action(&mut self) -> Result<u32> {
        let unknown = |name: &str| format!("unknown PF action \"{name}\"");
        self.named(words::PF_ACTIONS, "an action such as pass", unknown).map(u32::from)
    }

    /// `type t [subtype s]`.
    fn wlan_type(&mut self) -> Result<Term<'t>> {
        self.take();
        let kind = if let Token::Number(number) = self.token {
            let wrong = |number| format!("invalid 802.11 type value 0x{number:02x}");
            self.masked(number, words::WLAN_TYPE_MASK, wrong)?
        } else {
            let unknown = |name: &str| format!("unknown 802.11 type name \"{name}\"");
            self.named(words::WLAN_TYPES, "mgt, ctl or data", unknown)?
        };
        if self.token != Token::Word(Word::Subtype) {
            return Ok(Term::WlanType { value: kind, mask: words::WLAN_TYPE_MASK });
        }
        self.take();
        let subtype = if let Token::Number(number) = self.token {
            let wrong = |number| format!("invalid 802.11 subtype value 0x{number:02x}");
            self.masked(number, words::WLAN_SUBTYPE_MASK, wrong)?
        } else {
            let of_type = words::WLAN_SUBTYPES.iter().find(|(of, _)| *of == kind);
            let unknown = |name: &str| match of_type {
                Some(_) => format!("unknown 802.11 subtype name \"{name}\""),
                None => "unknown 802.11 type".to_owned(),
            };
            let names = of_type.map_or(&[][..], |(_, names)| names);
            self.named(names, "a subtype of this type", unknown)?
        };
        let mask = words::WLAN_TYPE_MASK | words::WLAN_SUBTYPE_MASK;
        Ok(Term::WlanType { value: kind | subtype, mask })
    }

    /// `subtype s`, where the name tells the type.
    fn wlan_subtype(&mut self) -> Result<Term<'t>> {
        self.take();
        let span = self.span;
        let name = self.name("a subtype's name")?;
        let found = words::WLAN_SUBTYPES
            .iter()
            .find_map(|(kind, names)| words::value(names, name).map(|subtype| kind | subtype));
        let mask = words::WLAN_TYPE_MASK | words::WLAN_SUBTYPE_MASK;
        let value = found.ok_or_else(|| {
            let error = FilterError::new("unknown 802.11 type name").at(span);
            error.hint("expected a subtype such as beacon, ack or qos-data")
        })?;
        Ok(Term::WlanType { value, mask })
    }

    fn wlan_dir(&mut self) -> Result<Term<'t>> {
        self.take();
        Ok(Term::WlanDir(if let Token::Number(number) = self.token {
            let wrong = |number| format!("invalid 802.11 direction value 0x{number:x}");
            self.masked(number, words::WLAN_DIR_MASK, wrong)?
        } else {
            let unknown = |_: &str| "unknown 802.11 direction".to_owned();
            self.named(words::WLAN_DIRS, "nods, tods, fromds or dstods", unknown)?
        }))
    }

    /// `vpi 1`, `vpi > 1`, `vpi (1 or 2)`.
    fn field(&mut self, field: Field, start: usize) -> Result<bool> {
        self.take();
        if self.token != Token::Open {
            let mut op = Relop::Eq;
            if let Token::Relop(relop) = self.token {
                op = relop;
                self.take();
            }
            let value = self.literal("a number, a comparison or a list of numbers")?;
            let span = Span { start, end: self.end };
            self.push_field(field, op, value, span);
            return Ok(true);
        }
        let mut first = true;
        loop {
            self.take();
            let span = self.span;
            let value = self.literal("a number")?;
            self.push_field(field, Relop::Eq, value, span);
            if !first {
                self.steps.push(Step::Or);
            }
            first = false;
            match self.token {
                Token::Or => {}
                Token::Close => break,
                _ => return Err(self.expected("'or' or ')'")),
            }
        }
        self.take();
        Ok(true)
    }

    fn push_field(&mut self, field: Field, op: Relop, value: u32, span: Span) {
        let node = match field {
            Field::Atm(field) => Term::AtmField { field, op, value },
            Field::Mtp3(field) => Term::Mtp3 { field, op, value },
        };
        self.steps.push(Step::Term(Spanned { node, span }));
    }
}
