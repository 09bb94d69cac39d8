//! Tokens to the terms of an expression and how they are combined.
//!
//! Not a resolver: names stay names. Accepts exactly what libpcap's grammar accepts. That grammar's quirks
//! stand here as tables: what may stand in each place (`Want`), which qualifiers an identifier without any
//! of its own inherits (`Frame::quals`), and, in `parse/arithmetic.rs`, how strongly operators bind. Terms
//! that have a shape of their own are in `parse/primitive.rs`, identifiers in `parse/identifier.rs`.
//!
//! What is begun and not yet ended is kept on a stack of `Frame`s, not on the call stack. `(80)` may turn
//! out to be an identifier, a number to compute with, or the beginning of a list; so a number stays a
//! `Value::Number` until the token behind it decides.

mod arithmetic;
mod identifier;
mod primitive;
#[cfg(test)]
mod tests;

use super::ast::{Arith, ArithStep, BinOp, Expr, Proto, Quals, Relop, Span, Spanned, Step, Term};
use super::error::FilterError;
use super::lex::Lexer;
use super::token::{Bad, Base, Token, Word};
use smallvec::{SmallVec, smallvec};

/// What an expression says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<'t> {
    /// The expression. With an error: the terms that libpcap acts on before it meets that error, in order;
    /// if one of those cannot be resolved, that is what libpcap reports. The other steps count for nothing
    /// then, and what was computed of an unfinished comparison stands as a comparison of its own.
    pub expr: Expr<Term<'t>>,
    /// What is wrong with it.
    pub error: Option<FilterError>,
}

/// Parses an expression; an empty one is right.
pub fn parse(text: &str) -> Parsed<'_> {
    let mut parser = Parser::new(text);
    let error = parser.run().err();
    if error.is_some() {
        parser.keep_arithmetic();
    }
    Parsed { expr: parser.steps, error }
}

type Result<T> = std::result::Result<T, FilterError>;

/// libpcap's parser gives up at about as many.
const MAX_DEPTH: usize = 10_000;

/// What may stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// A term: at the beginning.
    Term,
    /// A term or an identifier: after a term and `and` or `or`.
    TermOrId,
    /// The same in parentheses that stand there, before it is known whether they hold terms or a list of
    /// identifiers.
    First,
    /// An identifier: after qualifiers, and in lists.
    Id,
    /// The same in parentheses that stand there.
    FirstId,
    /// A number and nothing else: in parentheses that begin a list.
    Number,
    /// Something to compute with.
    Arith,
}

impl Want {
    /// What may stand in parentheses.
    fn inside(self) -> Self {
        match self {
            // QUIRK: a list cannot begin with a list: `port ((80 or 81) or 82)` is an error.
            Self::Term | Self::First => Self::Term,
            Self::FirstId | Self::Number => Self::Number,
            Self::TermOrId => Self::First,
            Self::Id => Self::FirstId,
            Self::Arith => Self::Arith,
        }
    }

    /// What may stand after `not`.
    fn negated(self) -> Option<Self> {
        match self {
            Self::Term => Some(Self::Term),
            Self::TermOrId | Self::First => Some(Self::TermOrId),
            Self::Id | Self::FirstId => Some(Self::Id),
            Self::Number | Self::Arith => None,
        }
    }

    fn term(self) -> bool {
        matches!(self, Self::Term | Self::TermOrId | Self::First)
    }

    fn id(self) -> bool {
        matches!(self, Self::TermOrId | Self::First | Self::Id | Self::FirstId)
    }

    /// Comparisons are terms.
    fn arith(self) -> bool {
        self.term() || self == Self::Arith
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Term => "a protocol, 'host', 'net' or 'port'",
            Self::TermOrId | Self::First => "a protocol, 'host', 'net', 'port' or a name",
            Self::Id | Self::FirstId => "a name, an address or a number",
            Self::Number => "a number",
            Self::Arith => "a number, 'len' or a protocol with an index",
        }
    }
}

/// Something begun that needs an operand.
#[derive(Clone, Copy, Debug)]
enum Open {
    /// The text.
    Text,
    /// `(`.
    Paren,
    /// `not`s; whether an odd number of them.
    Not(bool),
    /// `and` or `or`, and what is left of it.
    Join(Join),
    /// Qualifiers.
    Head,
    /// A comparison and what is left of it, which is in [`Parser::left`].
    Relation(Relop),
    /// An operator and what is left of it.
    Binary(BinOp),
    /// A negation.
    Neg,
    /// A protocol and `[`.
    Index(Proto),
}

/// `and` and `or` bind equally strongly, to the left.
#[derive(Clone, Copy, Debug)]
enum Join {
    And,
    Or,
}

impl Join {
    fn of(token: Token<'_>) -> Option<Self> {
        match token {
            Token::And => Some(Self::And),
            Token::Or => Some(Self::Or),
            _ => None,
        }
    }
}

/// One level of what is begun.
#[derive(Clone, Copy, Debug)]
struct Frame {
    open: Open,
    /// What its operand may be.
    want: Want,
    /// What an identifier that is its operand inherits: after qualifiers, these; after `and` and `or`, those
    /// of the term before; after `not` and in parentheses, what would be inherited in their place.
    ///
    /// QUIRK: a term in parentheses leaves what was inherited before them, not what was written in them:
    /// `(tcp port 80) or 81` is an error, and the last number of `host a and (port 80) or 81` a host.
    quals: Option<Quals>,
    /// Where its operand begins.
    operand: usize,
}

/// An operand that has been read.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// A number, maybe in parentheses, which may become an identifier or part of a computation.
    Number(u32, Span),
    /// A computation, in [`Parser::arith`].
    Arith,
    /// An identifier or a list of them.
    Id,
    /// A term or several, and what an identifier after it inherits.
    Term(Option<Quals>),
}

/// What follows an operand.
enum Next {
    /// It became part of another.
    Value(Value),
    /// An operator and so an operand.
    Operand,
    /// Nothing.
    End,
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    text: &'t str,
    /// The token that is not yet taken.
    token: Token<'t>,
    span: Span,
    /// Where the token before it ended.
    end: usize,
    steps: Expr<Term<'t>>,
    /// Never empty.
    frames: SmallVec<[Frame; 8]>,
    /// The left side of a comparison.
    left: Arith,
    /// The computation that is being read.
    arith: Arith,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        let mut lexer = Lexer::new(text);
        let first = lexer.token();
        let base = Frame { open: Open::Text, want: Want::Term, quals: None, operand: 0 };
        Self {
            lexer,
            text,
            token: first.node,
            span: first.span,
            end: 0,
            steps: Vec::with_capacity(4),
            frames: smallvec![base],
            left: Vec::new(),
            arith: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<()> {
        if self.token == Token::End {
            return Ok(());
        }
        loop {
            let mut value = self.operand()?;
            loop {
                let next = match value {
                    Value::Number(..) | Value::Arith => self.after_arith(value)?,
                    Value::Id => self.after_id()?,
                    Value::Term(quals) => self.after_term(quals)?,
                };
                match next {
                    Next::Value(next) => value = next,
                    Next::Operand => break,
                    Next::End => return Ok(()),
                }
            }
        }
    }

    /// Reads up to the end of an operand that contains no other.
    fn operand(&mut self) -> Result<Value> {
        loop {
            if let Some(frame) = self.frames.last_mut() {
                frame.operand = self.span.start;
            }
            let frame = self.top();
            let want = frame.want;
            match self.token {
                Token::Open => self.begin(Open::Paren, want.inside(), frame.quals)?,
                Token::Not => self.not(frame)?,
                Token::Number(number) => {
                    let span = self.span;
                    self.take();
                    return Ok(Value::Number(number, span));
                }
                Token::Op(BinOp::Sub) if want.arith() => {
                    self.begin(Open::Neg, Want::Arith, None)?;
                }
                Token::Word(Word::Len) if want.arith() => {
                    self.take();
                    self.arith.push(ArithStep::Len);
                    return Ok(Value::Arith);
                }
                Token::Proto(proto) if want.arith() => {
                    self.take();
                    if self.token == Token::OpenIndex {
                        self.begin(Open::Index(proto), Want::Arith, None)?;
                    } else if want.term() {
                        if self.term_of(Some(proto))? {
                            return Ok(Value::Term(None));
                        }
                    } else {
                        return Err(self.expected("'['"));
                    }
                }
                Token::Name(_) | Token::V4(_) | Token::V6(_) | Token::Mac48(_) | Token::Mac8(_)
                    if want.id() =>
                {
                    self.identifier(frame)?;
                    return Ok(Value::Id);
                }
                _ if want.term() => {
                    if self.term_of(None)? {
                        return Ok(Value::Term(None));
                    }
                }
                _ => return Err(self.expected(want.hint())),
            }
        }
    }

    /// `not`s in a row need one frame.
    fn not(&mut self, frame: Frame) -> Result<()> {
        let want = frame.want.negated().ok_or_else(|| self.expected(frame.want.hint()))?;
        if let Some(Frame { open: Open::Not(odd), .. }) = self.frames.last_mut() {
            *odd = !*odd;
            self.take();
            Ok(())
        } else {
            self.begin(Open::Not(true), want, frame.quals)
        }
    }

    /// After an identifier or a list of them.
    fn after_id(&mut self) -> Result<Next> {
        let frame = self.top();
        match frame.open {
            Open::Not(odd) => {
                self.end_not(odd);
                Ok(Next::Value(Value::Id))
            }
            Open::Join(join) => {
                self.end_join(join);
                let list = frame.want == Want::Id;
                Ok(Next::Value(if list { Value::Id } else { Value::Term(frame.quals) }))
            }
            Open::Paren if self.token == Token::Close => {
                self.take();
                self.frames.pop();
                Ok(Next::Value(Value::Id))
            }
            Open::Paren => self.join(Want::Id, frame.quals, "'and', 'or' or ')'"),
            _ => {
                self.frames.pop();
                Ok(Next::Value(Value::Term(frame.quals)))
            }
        }
    }

    /// After a term.
    fn after_term(&mut self, quals: Option<Quals>) -> Result<Next> {
        let frame = self.top();
        match frame.open {
            Open::Not(odd) => {
                self.end_not(odd);
                Ok(Next::Value(Value::Term(quals)))
            }
            Open::Join(join) => {
                self.end_join(join);
                Ok(Next::Value(Value::Term(quals)))
            }
            Open::Paren if self.token == Token::Close => {
                self.take();
                self.frames.pop();
                Ok(Next::Value(Value::Term(frame.quals)))
            }
            Open::Paren => self.join(Want::TermOrId, quals, "'and', 'or' or ')'"),
            _ if self.token == Token::End => Ok(Next::End),
            _ => self.join(Want::TermOrId, quals, "'and' or 'or'"),
        }
    }

    fn join(&mut self, want: Want, quals: Option<Quals>, hint: &str) -> Result<Next> {
        let join = Join::of(self.token).ok_or_else(|| self.expected(hint))?;
        self.begin(Open::Join(join), want, quals)?;
        Ok(Next::Operand)
    }

    fn end_join(&mut self, join: Join) {
        self.frames.pop();
        self.steps.push(match join {
            Join::And => Step::And,
            Join::Or => Step::Or,
        });
    }

    fn end_not(&mut self, odd: bool) {
        self.frames.pop();
        if odd {
            self.steps.push(Step::Not);
        }
    }

    /// Takes a token that needs an operand.
    fn begin(&mut self, open: Open, want: Want, quals: Option<Quals>) -> Result<()> {
        self.take();
        self.nest(Frame { open, want, quals, operand: self.span.start })
    }

    fn nest(&mut self, frame: Frame) -> Result<()> {
        self.check_depth(0)?;
        self.frames.push(frame);
        Ok(())
    }

    /// Whether there may be `more` levels.
    fn check_depth(&self, more: usize) -> Result<()> {
        if self.frames.len() + more > MAX_DEPTH {
            let error = FilterError::new("can't parse filter expression: memory exhausted");
            return Err(error.at(self.span).hint("it is nested too deeply"));
        }
        Ok(())
    }

    fn top(&self) -> Frame {
        let nothing = Frame { open: Open::Text, want: Want::Term, quals: None, operand: 0 };
        self.frames.last().copied().unwrap_or(nothing)
    }

    fn take(&mut self) {
        self.end = self.span.end;
        let next = self.lexer.token();
        (self.token, self.span) = (next.node, next.span);
    }

    /// A term that ends at the token taken last.
    fn push(&mut self, node: Term<'t>, start: usize) {
        let span = Span { start, end: self.end };
        self.steps.push(Step::Term(Spanned { node, span }));
    }

    /// The token at hand is wrong.
    fn expected(&self, what: &str) -> FilterError {
        let text = self.text.get(self.span.start..self.span.end).unwrap_or_default();
        let text = match self.token {
            Token::Bad(Bad::Overflow(base)) => {
                let base = match base {
                    Base::Octal => "octal",
                    Base::Decimal => "decimal",
                    Base::Hexadecimal => "hexadecimal",
                };
                format!("{base} number {text} overflows 32 bits")
            }
            Token::Bad(Bad::NotOctal) => format!("number {text} contains non-octal digit"),
            Token::Bad(Bad::V6) => format!("invalid IPv6 address {text}"),
            Token::Bad(Bad::Ethernet) => format!("invalid Ethernet address {text}"),
            _ => {
                let error = FilterError::new("can't parse filter expression: syntax error");
                return error.at(self.span).hint(["expected ", what].concat());
            }
        };
        FilterError::new(text).at(self.span)
    }
}
