//! Filter expressions made up at random, the same for the same seed.
//!
//! Every primitive and qualifier of pcap-filter(7) occurs, numbers and addresses are mostly such as can mean
//! something, and no name needs the network: hosts and networks are numbers or `localhost`.

#![allow(dead_code, reason = "shared by several test crates, none of which uses all of it")]

use std::ops::Range;

#[path = "expressions/special.rs"]
mod special;

/// A small fixed generator (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    pub fn below(&mut self, n: u32) -> u32 {
        self.next() % n
    }

    pub fn within(&mut self, range: Range<u32>) -> u32 {
        range.start + self.below(range.end - range.start)
    }

    /// Whether something happens that happens `n` times of a hundred.
    pub fn percent(&mut self, n: u32) -> bool {
        self.below(100) < n
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }

    /// One of them, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        let mut at = self.below(from.iter().map(|(weight, _)| weight).sum());
        for &(weight, value) in from {
            if at < weight {
                return value;
            }
            at -= weight;
        }
        unreachable!("the weights have a sum")
    }
}

/// Which primitives occur besides those for all link types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// All there are.
    Any,
    /// Addresses and broadcasts of Ethernet and its like, and LLC.
    Ethernet,
    /// IEEE 802.11.
    Wlan,
    /// PFLOG.
    Pflog,
    /// SUNATM.
    Atm,
    /// MTP2.
    Ss7,
    /// None.
    Ip,
}

/// What kind of thing an identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Host4,
    Host6,
    Net4,
    Net6,
    Mac,
    Mac8,
    Port,
    PortRange,
    EtherProto,
    IpProto,
    IsoProto,
    Decnet,
    Gateway,
}

/// Makes expressions.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Random,
    family: Family,
    out: Vec<String>,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), family: Family::Any, out: Vec::new() }
    }

    pub fn family(self, family: Family) -> Self {
        Self { family, ..self }
    }

    /// An expression that can be parsed. Most can be compiled too.
    pub fn expression(&mut self) -> String {
        let tokens = self.tokens();
        self.written(&tokens)
    }

    /// An expression with a few tokens exchanged, doubled, left out or added. Some can still be parsed.
    pub fn mutated(&mut self) -> String {
        let mut tokens = self.tokens();
        for _ in 0..self.random.within(1..4) {
            let at = self.random.below(tokens.len() as u32) as usize;
            let word = self.random.pick(WORDS).to_owned();
            match self.random.below(5) {
                0 if tokens.len() > 1 => drop(tokens.remove(at)),
                1 => tokens.insert(at, tokens[at].clone()),
                2 if at > 0 => tokens.swap(at - 1, at),
                3 => tokens.insert(at, word),
                _ => tokens[at] = word,
            }
        }
        tokens.join(" ")
    }

    /// A computation of constants, without division by zero that is written as such.
    pub fn constant(&mut self) -> String {
        self.out.clear();
        self.arith(3, false);
        let tokens = std::mem::take(&mut self.out);
        self.written(&tokens)
    }

    fn tokens(&mut self) -> Vec<String> {
        self.out.clear();
        self.joined(3, None);
        std::mem::take(&mut self.out)
    }

    /// Tokens with more or less blanks between them.
    fn written(&mut self, tokens: &[String]) -> String {
        let mut text = String::new();
        for (at, token) in tokens.iter().enumerate() {
            let sticks = at == 0
                || matches!(token.as_str(), ")" | "[" | "]" | ":")
                || matches!(tokens[at - 1].as_str(), "(" | "[" | "!" | ":");
            if at > 0 && (!sticks || self.random.percent(10)) {
                text.push_str(self.random.weighted(&[(30, " "), (1, "  "), (1, "\n"), (1, "\t")]));
            }
            text.push_str(token);
        }
        text
    }

    fn put(&mut self, token: impl Into<String>) {
        self.out.push(token.into());
    }

    fn put_one(&mut self, from: &[&str]) {
        let token = self.random.pick(from);
        self.put(token);
    }

    /// Terms joined. An identifier after them may inherit from what is returned; parentheses leave `before`.
    fn joined(&mut self, depth: u32, before: Option<Class>) -> Option<Class> {
        let mut left = before;
        for at in 0..self.random.weighted(&[(40, 1), (35, 2), (15, 3), (10, 4)]) {
            if at > 0 {
                let join = self.random.weighted(&[(8, "and"), (8, "or"), (1, "&&"), (1, "||")]);
                self.put(join);
            }
            while self.random.percent(15) {
                self.put_one(&["not", "not", "!"]);
            }
            match left {
                Some(class) if at > 0 && self.random.percent(35) => self.ids(class),
                _ if depth > 0 && self.random.percent(25) => {
                    self.put("(");
                    self.joined(depth - 1, left);
                    self.put(")");
                }
                _ => left = self.term(),
            }
        }
        left
    }

    fn term(&mut self) -> Option<Class> {
        let special = if self.family == Family::Ip { 0 } else { 25 };
        match self.random.weighted(&[(40, 0), (15, 1), (15, 2), (8, 3), (7, 4), (special, 5)]) {
            0 => return Some(self.qualified()),
            1 => self.put_one(PROTOCOLS),
            2 => self.relation(),
            3 => self.common(),
            4 => self.encapsulation(),
            _ => self.special(),
        }
        None
    }

    fn qualified(&mut self) -> Class {
        let link = if self.family == Family::Ip { 0 } else { 10 };
        let class = self.random.weighted(&[
            (20, Class::Host4),
            (8, Class::Host6),
            (12, Class::Net4),
            (6, Class::Net6),
            (20, Class::Port),
            (6, Class::PortRange),
            (10, Class::IpProto),
            (link, Class::Mac),
            (link / 4, Class::Mac8),
            (link, Class::EtherProto),
            (3, Class::IsoProto),
            (3, Class::Decnet),
            (1, Class::Gateway),
        ]);
        let (protocols, kinds): (&[&str], &[&str]) = match class {
            Class::Host4 => (&["", "", "", "ip", "arp", "rarp"], &["host"]),
            Class::Host6 => (&["", "", "ip6"], &["host"]),
            Class::Net4 => (&["", "", "ip", "arp", "rarp"], &["net"]),
            Class::Net6 => (&["", "ip6"], &["net"]),
            Class::Port => (&["", "", "tcp", "tcp", "udp", "sctp"], &["port"]),
            Class::PortRange => (&["", "tcp", "udp", "sctp"], &["portrange"]),
            Class::IpProto => (&["", "ip", "ip6"], &["proto", "proto", "proto", "protochain"]),
            Class::Mac => (&["ether", "ether", "link", "wlan", "fddi", "tr"], &["host"]),
            Class::Mac8 => (&["link"], &["host"]),
            Class::EtherProto => (&["ether", "link", "ppp", "slip"], &["proto"]),
            Class::IsoProto => (&["iso", "isis"], &["proto"]),
            Class::Decnet => (&["decnet"], &["host"]),
            Class::Gateway => (&["", "ip"], &["gateway"]),
        };
        let protocol = self.random.pick(protocols);
        if !protocol.is_empty() {
            self.put(protocol);
        }
        let kind = self.random.pick(kinds);
        let directed = matches!(kind, "host" | "net" | "port" | "portrange");
        let dir = directed && self.random.percent(45);
        if dir {
            self.direction(class);
        }
        // A direction alone is enough for hosts.
        if !dir || kind != "host" || self.random.percent(50) {
            self.put(kind);
        }
        if self.random.percent(4) {
            self.put("not");
        }
        self.ids(class);
        class
    }

    fn direction(&mut self, class: Class) {
        let wlan = matches!(self.family, Family::Any | Family::Wlan);
        if class == Class::Mac && wlan && self.random.percent(40) {
            self.put_one(&["addr1", "addr2", "address3", "addr4", "ra", "ta"]);
            return;
        }
        let (first, second) = self.random.pick(&[("src", "dst"), ("dst", "src")]);
        self.put(first);
        if self.random.percent(35) {
            self.put_one(&["or", "and"]);
            self.put(second);
        }
    }

    /// One identifier, or a list in parentheses.
    fn ids(&mut self, class: Class) {
        if !self.random.percent(12) {
            return self.id(class);
        }
        self.put("(");
        self.id(class);
        for _ in 0..self.random.below(3) {
            self.put_one(&["or", "or", "and"]);
            if self.random.percent(8) {
                self.put("not");
            }
            self.id(class);
        }
        self.put(")");
    }

    fn id(&mut self, class: Class) {
        let id = match class {
            Class::Host4 if self.random.percent(4) => "localhost".to_owned(),
            Class::Host4 => self.ipv4(),
            Class::Net4 => match self.random.below(5) {
                0 => format!("10.{}", self.random.below(256)),
                1 => format!("192.168.{}.0/24", self.random.below(256)),
                2 => format!("172.{}.0.0/12", self.random.pick(&[16, 32, 48])),
                3 => format!("10.{}.0.0 mask 255.255.0.0", self.random.below(256)),
                _ => "10".to_owned(),
            },
            Class::Host6 => {
                let (a, b) = (self.random.below(0x10000), self.random.below(0x10000));
                match self.random.below(4) {
                    0 => "::1".to_owned(),
                    1 => format!("fe80::{a:x}:{b:x}"),
                    2 => format!("2001:db8:{a:x}::{b:x}"),
                    _ => format!("::ffff:{}", self.ipv4()),
                }
            }
            Class::Net6 => self
                .random
                .pick(&["fe80::/10", "2001:db8::/32", "ff02::1:0/112", "::/0", "::1/128"])
                .to_owned(),
            Class::Mac => self.mac(),
            Class::Mac8 => format!("${:x}", self.random.below(256)),
            Class::Port => match self.random.below(8) {
                0 => self.random.pick(&["http", "ssh", "domain", "0x50", "0"]).to_owned(),
                1 => self.random.below(65536).to_string(),
                _ => self.random.pick(&[22, 25, 53, 80, 123, 443, 8080]).to_string(),
            },
            Class::PortRange => {
                let from = self.random.below(60000);
                format!("{from}-{}", from + self.random.below(5000))
            }
            Class::EtherProto => match self.random.below(4) {
                0 => self.random.pick(&["0x800", "0x86dd", "0x88cc", "1500", "0x42"]).to_owned(),
                _ => {
                    let name = self.random.pick(&[
                        "ip", "ip6", "arp", "rarp", "atalk", "aarp", "decnet", "lat", "sca",
                        "moprc", "mopdl", "iso", "stp", "ipx", "netbeui",
                    ]);
                    format!("\\{name}")
                }
            },
            Class::IpProto => match self.random.below(3) {
                0 => self.random.pick(&["\\tcp", "\\udp", "\\icmp", "\\ah", "\\esp"]).to_owned(),
                _ => self.random.pick(&[0, 1, 2, 6, 17, 44, 47, 58, 89, 132, 255]).to_string(),
            },
            Class::IsoProto => self.random.pick(&["\\clnp", "\\esis", "\\isis", "131"]).to_owned(),
            Class::Decnet => {
                format!("{}.{}", self.random.within(1..64), self.random.within(1..1024))
            }
            Class::Gateway => "localhost".to_owned(),
        };
        for token in id.split(' ') {
            self.put(token);
        }
    }

    fn ipv4(&mut self) -> String {
        match self.random.below(3) {
            0 => self.random.pick(&["127.0.0.1", "255.255.255.255", "224.0.0.1"]).to_owned(),
            1 => format!("10.0.{}.{}", self.random.below(4), self.random.below(256)),
            _ => format!("192.168.1.{}", self.random.below(256)),
        }
    }

    fn mac(&mut self) -> String {
        let (a, b) = (self.random.below(256), self.random.below(256));
        match self.random.below(5) {
            0 => format!("00-11-22-33-{a:02x}-{b:02x}"),
            1 => format!("0011.2233.{a:02x}{b:02x}"),
            2 => format!("00112233{a:02x}{b:02x}"),
            3 => "ff:ff:ff:ff:ff:ff".to_owned(),
            _ => format!("0:11:22:33:{a:x}:{b:x}"),
        }
    }

    fn relation(&mut self) {
        self.arith(2, true);
        self.put_one(&["=", "=", "==", "!=", "<", "<=", ">", ">="]);
        self.arith(1, true);
    }

    /// A computation; `packet` tells whether it may look at the packet.
    fn arith(&mut self, depth: u32, packet: bool) {
        let deeper = if depth > 0 { 30 } else { 0 };
        let looks = if packet { 40 } else { 0 };
        match self.random.weighted(&[(30, 0), (looks, 1), (deeper, 2), (deeper / 5, 3), (3, 4)]) {
            0 => self.constant_number(),
            1 if self.random.percent(15) => self.put_one(&["len", "len", "length"]),
            1 => self.load(depth),
            2 => self.binary(depth - 1, packet),
            3 => {
                self.put("(");
                self.binary(depth - 1, packet);
                self.put(")");
            }
            _ => {
                self.put("-");
                self.arith(depth.saturating_sub(1), packet);
            }
        }
    }

    fn binary(&mut self, depth: u32, packet: bool) {
        self.arith(depth, packet);
        let op = self.random.weighted(&[
            (6, "+"),
            (4, "-"),
            (3, "*"),
            (2, "/"),
            (2, "%"),
            (8, "&"),
            (3, "|"),
            (2, "^"),
            (2, "<<"),
            (2, ">>"),
        ]);
        self.put(op);
        match op {
            "/" | "%" | "<<" | ">>" if self.random.percent(90) => {
                let number = self.random.within(1..32).to_string();
                self.put(number);
            }
            _ => self.arith(depth, packet),
        }
    }

    fn constant_number(&mut self) {
        let number = match self.random.below(12) {
            0 => self.random.next().to_string(),
            1 => format!("{:#x}", self.random.below(0x10000)),
            2 => format!("0{:o}", self.random.below(0o1000)),
            3 => self.random.pick(&["0xffffffff", "0x80000000", "65535", "255"]).to_owned(),
            4 => self.random.pick(NAMED_NUMBERS).to_owned(),
            _ => self.random.below(64).to_string(),
        };
        self.put(number);
    }

    fn load(&mut self, depth: u32) {
        let radio = matches!(self.family, Family::Any | Family::Wlan) && self.random.percent(5);
        let protocol = if radio { "radio" } else { self.random.pick(INDEXED) };
        self.put(protocol);
        self.put("[");
        match (protocol, self.random.below(4)) {
            ("tcp", 0) => self.put("tcpflags"),
            ("icmp", 0) => self.put_one(&["icmptype", "icmpcode"]),
            ("icmp6", 0) => self.put_one(&["icmp6type", "icmp6code"]),
            (_, 1) if depth > 0 => self.arith(depth - 1, true),
            _ => {
                let offset = self.random.below(40).to_string();
                self.put(offset);
            }
        }
        if self.random.percent(40) {
            self.put(":");
            self.put_one(&["1", "2", "4"]);
        }
        self.put("]");
    }

    fn common(&mut self) {
        let number = self.random.within(1..1600).to_string();
        match self.random.below(7) {
            0 => {
                self.put_one(&["ip", "ip", "ether", "link"]);
                self.put("broadcast");
            }
            1 => {
                self.put_one(&["ip", "ip6", "ether", "link"]);
                self.put("multicast");
            }
            2 => self.put_one(&["broadcast", "multicast"]),
            3 => {
                self.put_one(&["less", "greater"]);
                self.put(number);
            }
            4 => {
                let (offset, value) = (self.random.below(20), self.random.below(256));
                self.put("byte");
                self.put(offset.to_string());
                self.put_one(&["&", "|", "<", ">", "="]);
                self.put(value.to_string());
            }
            5 => self.put_one(&["inbound", "outbound"]),
            _ => {
                self.put("ifindex");
                self.put_one(&["1", "2", "7"]);
            }
        }
    }

    fn encapsulation(&mut self) {
        let words = ["vlan", "vlan", "vlan", "mpls", "mpls", "pppoes", "geneve", "vxlan", "pppoed"];
        let word = self.random.pick(&words);
        self.put(word);
        if word != "pppoed" && self.random.percent(50) {
            let number = self.random.within(0..4096).to_string();
            if self.random.percent(5) {
                self.out.extend(["(".to_owned(), number, ")".to_owned()]);
            } else {
                self.put(number);
            }
        }
    }
}

const PROTOCOLS: &[&str] = &[
    "tcp", "tcp", "tcp", "udp", "udp", "ip", "ip", "ip6", "ip6", "arp", "icmp", "icmp6", "rarp",
    "sctp", "igmp", "igrp", "pim", "vrrp", "carp", "ah", "esp", "atalk", "aarp", "decnet", "lat",
    "sca", "moprc", "mopdl", "iso", "esis", "es-is", "isis", "is-is", "l1", "l2", "iih", "lsp",
    "snp", "csnp", "psnp", "clnp", "stp", "ipx", "netbeui",
];

/// Protocols that can be indexed.
const INDEXED: &[&str] = &[
    "ether", "ether", "link", "ip", "ip", "ip", "ip6", "tcp", "tcp", "tcp", "udp", "icmp", "icmp6",
    "arp", "rarp", "sctp", "igmp", "igrp", "pim", "vrrp", "carp", "atalk", "decnet", "lat", "sca",
    "moprc", "mopdl",
];

const NAMED_NUMBERS: &[&str] = &[
    "tcp-syn",
    "tcp-ack",
    "tcp-fin",
    "tcp-rst",
    "tcp-push",
    "tcp-urg",
    "tcp-ece",
    "tcp-cwr",
    "icmp-echo",
    "icmp-unreach",
    "icmp6-echo",
    "icmp6-neighborsolicit",
    "tcpflags",
];

/// What tokens are replaced by.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    ":",
    "=",
    "<",
    ">=",
    "!=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "|",
    "&",
    "<<",
    "!",
    "tcp",
    "ip",
    "ip6",
    "link",
    "wlan",
    "src",
    "dst",
    "addr1",
    "ra",
    "host",
    "net",
    "port",
    "portrange",
    "proto",
    "protochain",
    "gateway",
    "mask",
    "80",
    "0",
    "3",
    "localhost",
    "10.0.0.1",
    "1.2",
    "10.0.0.0/8",
    "::1",
    "fe80::",
    "0:1:2:3:4:5",
    "$7",
    "len",
    "vlan",
    "mpls",
    "pppoes",
    "pppoed",
    "geneve",
    "llc",
    "rnr",
    "type",
    "subtype",
    "mgt",
    "dir",
    "less",
    "greater",
    "byte",
    "broadcast",
    "multicast",
    "inbound",
    "ifindex",
    "on",
    "reason",
    "action",
    "lane",
    "vpi",
    "sio",
    "fisu",
    "radio",
    "tcpflags",
    "09",
    "1:2:3",
    "~",
    "99999999999",
];
