//! Primitives that only some link types have.

use super::{Family, Generator};

impl Generator {
    pub(super) fn special(&mut self) {
        let all = [Family::Ethernet, Family::Wlan, Family::Pflog, Family::Atm, Family::Ss7];
        let family = if self.family == Family::Any { self.random.pick(&all) } else { self.family };
        match family {
            Family::Wlan => self.wlan(),
            Family::Pflog => self.pflog(),
            Family::Atm => self.atm(),
            Family::Ss7 => self.ss7(),
            Family::Ethernet | Family::Any | Family::Ip => self.llc(),
        }
    }

    fn llc(&mut self) {
        self.put("llc");
        let kind = self.random.pick(&[
            "", "", "i", "s", "u", "rr", "rnr", "rej", "ui", "ua", "disc", "dm", "sabme", "test",
            "xid", "frmr",
        ]);
        if !kind.is_empty() {
            self.put(kind);
        }
    }

    fn wlan(&mut self) {
        if self.random.percent(50) {
            self.put("wlan");
        }
        let (kind, subtypes) = self.random.pick(WLAN);
        match self.random.below(4) {
            0 => self.out.extend(["type", kind].map(str::to_owned)),
            1 => {
                self.out.extend(["type", kind, "subtype"].map(str::to_owned));
                self.put_one(subtypes);
            }
            2 if kind != "0" => {
                self.put("subtype");
                self.put_one(subtypes);
            }
            _ => {
                self.put_one(&["dir", "direction"]);
                self.put_one(&["nods", "tods", "fromds", "dstods", "0", "3"]);
            }
        }
    }

    fn pflog(&mut self) {
        let (words, values): (&[&str], &[&str]) = match self.random.below(6) {
            0 => (&["on", "ifname"], &["em0", "eth0", "\\ip"]),
            1 => (&["rset", "ruleset"], &["foo", "bar"]),
            2 => (&["rnr", "rulenum"], &["0", "7", "0xffff"]),
            3 => (&["srnr", "subrulenum"], &["0", "7"]),
            4 => (
                &["reason"],
                &[
                    "match",
                    "bad-offset",
                    "fragment",
                    "short",
                    "normalize",
                    "memory",
                    "3",
                    "bad-timestamp",
                    "congestion",
                    "ip-option",
                    "proto-cksum",
                    "state-mismatch",
                    "state-insert",
                    "state-limit",
                    "src-limit",
                    "synproxy",
                ],
            ),
            _ => (
                &["action"],
                &[
                    "pass",
                    "accept",
                    "drop",
                    "block",
                    "scrub",
                    "noscrub",
                    "nat",
                    "nonat",
                    "binat",
                    "nobinat",
                    "rdr",
                    "nordr",
                    "synproxy-drop",
                ],
            ),
        };
        self.put_one(words);
        self.put_one(values);
    }

    fn atm(&mut self) {
        if self.random.percent(60) {
            return self.put_one(&[
                "lane",
                "metac",
                "bcc",
                "oamf4ec",
                "oamf4sc",
                "sc",
                "ilmic",
                "oam",
                "oamf4",
                "connectmsg",
                "metaconnect",
            ]);
        }
        self.put_one(&["vpi", "vci"]);
        self.field(256);
    }

    fn ss7(&mut self) {
        if self.random.percent(40) {
            return self.put_one(&["fisu", "lssu", "lsu", "msu", "hfisu", "hlssu", "hmsu"]);
        }
        self.put_one(&["sio", "opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls"]);
        self.field(16);
    }

    /// A number below `most`, a comparison with one, or a list.
    fn field(&mut self, most: u32) {
        let mut number = || self.random.below(most).to_string();
        let (one, two) = (number(), number());
        match self.random.below(3) {
            0 => self.put(one),
            1 => {
                self.put_one(&["=", "==", "!=", "<", "<=", ">", ">="]);
                self.put(one);
            }
            _ => {
                let list = ["(", &one, "or", &two, ")"];
                self.out.extend(list.map(str::to_owned));
            }
        }
    }
}

/// Types of 802.11, each with subtypes.
const WLAN: &[(&str, &[&str])] = &[
    ("mgt", &["assoc-req", "assocresp", "reassoc-req", "probe-req", "beacon", "atim", "auth"]),
    ("management", &["disassoc", "deauth", "authentication", "probe-resp"]),
    ("ctl", &["ps-poll", "rts", "cts", "ack", "cf-end", "cf-end-ack"]),
    ("control", &["ack", "rts"]),
    (
        "data",
        &["data", "data-cf-ack", "null", "cf-ack", "cf-poll", "qos-data", "qos", "qos-cf-poll"],
    ),
    ("0", &["0x80", "0", "beacon"]),
];
