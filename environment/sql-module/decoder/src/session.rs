//! One connection: its login, then its commands. Facts of the protocol: MySQL's "Connection Lifecycle".
//!
//! What cannot be followed is let alone: after a login that switches to TLS or compression, after a refused one, and
//! after the first bytes that are no MySQL, nothing more is decoded on that connection.

use crate::message::{Message, Messages};
use crate::query::{table_operations, TableOperation};

/// Longer queries count as not parsed, so that no client decides how much memory a connection takes.
pub const LONGEST_QUERY: usize = 1 << 20;
/// A command's first byte is its kind.
const KEEP_OF_CLIENT: usize = LONGEST_QUERY + 1;
/// A server's greeting is the longest of what is read of it.
const KEEP_OF_SERVER: usize = 1024;

/// The counters of `mysql_proxy`, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    Sessions,
    LoginAttempts,
    LoginFailures,
    DecoderErrors,
    ProtocolErrors,
    UpgradedToSsl,
    AuthSwitchRequest,
    QueriesParsed,
    QueriesParseError,
}

impl Counter {
    pub const ALL: [(Counter, &'static str); 9] = [
        (Counter::Sessions, "sessions"),
        (Counter::LoginAttempts, "login_attempts"),
        (Counter::LoginFailures, "login_failures"),
        (Counter::DecoderErrors, "decoder_errors"),
        (Counter::ProtocolErrors, "protocol_errors"),
        (Counter::UpgradedToSsl, "upgraded_to_ssl"),
        (Counter::AuthSwitchRequest, "auth_switch_request"),
        (Counter::QueriesParsed, "queries_parsed"),
        (Counter::QueriesParseError, "queries_parse_error"),
    ];
}

/// Told what is seen on a connection.
pub trait Observer {
    fn count(&mut self, counter: Counter);
    /// A query was parsed.
    fn accessed(&mut self, accesses: &[TableOperation]);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Login,
    /// The server's answer to a login, with as many rounds as its method needs.
    LoginAnswer,
    Command,
    /// Nothing is decoded any more.
    Opaque,
}

mod capability {
    pub const COMPRESS: u32 = 1 << 5;
    pub const PROTOCOL_41: u32 = 1 << 9;
    pub const SSL: u32 = 1 << 11;
    pub const ZSTD_COMPRESSION: u32 = 1 << 26;
    pub const QUERY_ATTRIBUTES: u32 = 1 << 27;
}

mod command {
    pub const QUERY: u8 = 0x03;
    pub const CHANGE_USER: u8 = 0x11;
}

mod answer {
    pub const OK: u8 = 0x00;
    pub const AUTH_MORE: u8 = 0x01;
    pub const AUTH_SWITCH: u8 = 0xfe;
    pub const ERROR: u8 = 0xff;
}

/// Both directions of one connection.
pub struct Session {
    from_client: Messages,
    from_server: Messages,
    dialogue: Dialogue,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            from_client: Messages::new(KEEP_OF_CLIENT),
            from_server: Messages::new(KEEP_OF_SERVER),
            dialogue: Dialogue { phase: Phase::Greeting, expected: 0, capabilities: 0 },
        }
    }
}

impl Session {
    /// The next bytes from the client, split anyhow.
    pub fn client(&mut self, bytes: &[u8], observer: &mut impl Observer) {
        if self.dialogue.phase != Phase::Opaque {
            self.from_client.feed(bytes, |message| self.dialogue.from_client(&message, observer));
        }
    }

    /// The next bytes from the server, split anyhow.
    pub fn server(&mut self, bytes: &[u8], observer: &mut impl Observer) {
        if self.dialogue.phase != Phase::Opaque {
            self.from_server.feed(bytes, |message| self.dialogue.from_server(&message, observer));
        }
    }

    /// Bytes held of messages that are not complete.
    pub fn held(&self) -> usize {
        self.from_client.held() + self.from_server.held()
    }
}

struct Dialogue {
    phase: Phase,
    /// Sequence number of the next packet, from whichever side.
    expected: u8,
    /// The server's after its greeting, those in use after the login.
    capabilities: u32,
}

impl Dialogue {
    fn from_client(&mut self, message: &Message, observer: &mut impl Observer) {
        match self.phase {
            Phase::Greeting => observer.count(Counter::ProtocolErrors),
            Phase::Command if message.sequence == 0 => self.command(message, observer),
            Phase::Opaque => {}
            // In the command phase: content that the server asked for, as by LOAD DATA LOCAL.
            Phase::Login | Phase::LoginAnswer | Phase::Command => {
                let in_sequence = self.in_sequence(message, observer);
                if in_sequence && self.phase == Phase::Login {
                    self.login(message, observer);
                }
            }
        }
    }

    fn from_server(&mut self, message: &Message, observer: &mut impl Observer) {
        match self.phase {
            Phase::Login => observer.count(Counter::ProtocolErrors),
            // Also the answer to a command that was sent before the previous answer had ended.
            Phase::Command if message.sequence == 1 => self.expect_after(message),
            Phase::Opaque => {}
            phase => match (self.in_sequence(message, observer), phase) {
                (true, Phase::Greeting) => self.greeting(message, observer),
                (true, Phase::LoginAnswer) => self.login_answer(message, observer),
                _ => {}
            },
        }
    }


    fn in_sequence(&mut self, message: &Message, observer: &mut impl Observer) -> bool {
        if message.sequence != self.expected {
            observer.count(Counter::ProtocolErrors);
            return false;
        }
        self.expect_after(message);
        true
    }

    fn expect_after(&mut self, message: &Message) {
        self.expected = message.sequence.wrapping_add(message.packets as u8);
    }

    fn give_up(&mut self, counter: Counter, observer: &mut impl Observer) {
        observer.count(counter);
        self.phase = Phase::Opaque;
    }

    fn greeting(&mut self, message: &Message, observer: &mut impl Observer) {
        if message.payload.first() == Some(&answer::ERROR) {
            // Refused before any login, e.g. for too many connections.
            self.phase = Phase::Opaque;
            return;
        }
        match server_capabilities(message.payload) {
            None => self.give_up(Counter::DecoderErrors, observer),
            Some(capabilities) => {
                self.capabilities = capabilities;
                self.phase = Phase::Login;
                observer.count(Counter::LoginAttempts);
            }
        }
    }

    fn login(&mut self, message: &Message, observer: &mut impl Observer) {
        match Login::read(message.payload) {
            None => self.give_up(Counter::DecoderErrors, observer),
            Some(Login { wants_tls: true, .. }) => self.give_up(Counter::UpgradedToSsl, observer),
            Some(Login { capabilities, .. }) => {
                self.capabilities &= capabilities;
                self.phase = Phase::LoginAnswer;
            }
        }
    }

    fn login_answer(&mut self, message: &Message, observer: &mut impl Observer) {
        match message.payload.first() {
            Some(&answer::OK) if self.uses(capability::COMPRESS | capability::ZSTD_COMPRESSION) => self.phase = Phase::Opaque,
            Some(&answer::OK) => self.phase = Phase::Command,
            Some(&answer::AUTH_MORE) => {}
            Some(&answer::AUTH_SWITCH) => observer.count(Counter::AuthSwitchRequest),
            Some(&answer::ERROR) => self.give_up(Counter::LoginFailures, observer),
            _ => self.give_up(Counter::DecoderErrors, observer),
        }
    }

    fn command(&mut self, message: &Message, observer: &mut impl Observer) {
        self.expect_after(message);
        match message.payload.split_first() {
            Some((&command::QUERY, text)) if message.length <= KEEP_OF_CLIENT => self.query(text, observer),
            Some((&command::QUERY, _)) => observer.count(Counter::QueriesParseError),
            Some((&command::CHANGE_USER, _)) => self.phase = Phase::LoginAnswer,
            Some(_) => {}
            None => observer.count(Counter::ProtocolErrors),
        }
    }

    fn query(&self, text: &[u8], observer: &mut impl Observer) {
        let text = if self.uses(capability::QUERY_ATTRIBUTES) { without_attributes(text) } else { Some(text) };
        match text.ok_or(crate::NotParsed).and_then(|text| table_operations(&String::from_utf8_lossy(text))) {
            Ok(accesses) => {
                observer.count(Counter::QueriesParsed);
                observer.accessed(&accesses);
            }
            Err(_) => observer.count(Counter::QueriesParseError),
        }
    }

    fn uses(&self, any_of: u32) -> bool {
        self.capabilities & any_of != 0
    }
}

/// Of a greeting of protocol version 10, the only one in use since 1998: version text, thread id, eight bytes of
/// scramble, a filler, the capabilities' lower half, character set, status, their upper half. None when it is none.
fn server_capabilities(payload: &[u8]) -> Option<u32> {
    let (&10, rest) = payload.split_first()? else { return None };
    let (_version, rest) = text_and_rest(rest)?;
    let lower = rest.get(13..15)?;
    let upper = rest.get(18..20).unwrap_or(&[0, 0]);
    Some(u32::from_le_bytes([lower[0], lower[1], upper[0], upper[1]]))
}

/// What a client answers to the greeting.
struct Login {
    capabilities: u32,
    wants_tls: bool,
}

impl Login {
    /// None when it is too short or the user's name has no end.
    fn read(payload: &[u8]) -> Option<Login> {
        let lower = payload.get(..2)?;
        let capabilities = u32::from(u16::from_le_bytes([lower[0], lower[1]]));
        if capabilities & capability::PROTOCOL_41 == 0 {
            // Before 4.1: two bytes of capabilities, three of the greatest packet.
            text_and_rest(payload.get(5..)?)?;
            return Some(Login { capabilities, wants_tls: false });
        }
        // Four bytes each of capabilities and of the greatest packet, one of character set, 23 of filler.
        let (head, names) = (payload.get(..32)?, payload.get(32..)?);
        let capabilities = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if capabilities & capability::SSL != 0 && names.is_empty() {
            return Some(Login { capabilities, wants_tls: true });
        }
        text_and_rest(names)?;
        Some(Login { capabilities, wants_tls: false })
    }
}

/// A text that a zero byte ends, and what follows it.
fn text_and_rest(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// The query behind its attributes' two counts; None where there are attributes, which are not decoded.
fn without_attributes(text: &[u8]) -> Option<&[u8]> {
    match text {
        [0, 1, query @ ..] => Some(query),
        _ => None,
    }
}
