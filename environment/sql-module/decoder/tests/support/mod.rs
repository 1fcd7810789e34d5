// Each program that tests takes a part of it.
#![allow(dead_code)]

//! Conversations as bytes, and an observer that writes down what it is told.

use decoder::{Counter, Observer, Session, TableOperation};

pub const GREETING: &[u8] = b"\x0a5.5.5-10.11.14-MariaDB\0\x07\0\0\0abcdefgh\0\xfe\xf7\x08\x02\0\xff\x81\x15\0\0\0\0\0\0\x07\0\0\0abcdefghijkl\0mysql_native_password\0";
pub const OK: &[u8] = b"\x00\0\0\x02\0\0\0";
pub const ERROR: &[u8] = b"\xff\x15\x04#28000Access denied";

/// One packet: header and payload.
pub fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    [&[length[0], length[1], length[2], sequence], payload].concat()
}

/// A login of user `tester` without a password.
pub fn login(capabilities: u32) -> Vec<u8> {
    [&capabilities.to_le_bytes(), &[0, 0, 0, 1, 45][..], &[0; 23], b"tester\0\0"].concat()
}

pub const PROTOCOL_41: u32 = 1 << 9;
pub const SSL: u32 = 1 << 11;

pub fn query(text: &str) -> Vec<u8> {
    [b"\x03", text.as_bytes()].concat()
}

/// The answer to a SELECT: one column, one row.
pub fn result_set() -> Vec<u8> {
    let payloads: [&[u8]; 5] = [b"\x01", b"\x03def\0\0\0\x01n\0\x0c?\0\x01\0\0\0\x08\x81\0\0\0\0", b"\xfe\0\0\x02\0", b"\x017", b"\xfe\0\0\x02\0"];
    payloads.iter().enumerate().flat_map(|(i, payload)| packet(i as u8 + 1, payload)).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

pub type Conversation = Vec<(Side, Vec<u8>)>;

/// A login, then these queries with an answer each, then the end.
pub fn conversation(queries: &[&str]) -> Conversation {
    let mut said = logged_in();
    for text in queries {
        said.push((Side::Client, packet(0, &query(text))));
        said.push((Side::Server, result_set()));
    }
    said.push((Side::Client, packet(0, b"\x01")));
    said
}

pub fn logged_in() -> Conversation {
    vec![(Side::Server, packet(0, GREETING)), (Side::Client, packet(1, &login(PROTOCOL_41))), (Side::Server, packet(2, OK))]
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub counters: Vec<Counter>,
    pub accesses: Vec<(String, &'static str)>,
}

impl Observer for Seen {
    fn count(&mut self, counter: Counter) {
        self.counters.push(counter);
    }

    fn accessed(&mut self, accesses: &[TableOperation]) {
        self.accesses.extend(accesses.iter().map(|access| (access.table.clone(), access.operation)));
    }
}

/// What is seen of a conversation whose pieces arrive as they are.
pub fn seen(conversation: &Conversation) -> Seen {
    let mut session = Session::default();
    let mut seen = Seen::default();
    for (side, bytes) in conversation {
        say(&mut session, *side, bytes, &mut seen);
    }
    seen
}

pub fn say(session: &mut Session, side: Side, bytes: &[u8], seen: &mut Seen) {
    match side {
        Side::Client => session.client(bytes, seen),
        Side::Server => session.server(bytes, seen),
    }
}
