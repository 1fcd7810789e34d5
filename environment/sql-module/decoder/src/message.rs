//! MySQL's framing: a packet is three bytes of length (little-endian), one of sequence number, and the payload. A
//! payload of the greatest length goes on in the next packet; together they are one message.

const HEADER: usize = 4;
const GREATEST_PAYLOAD: usize = 0xff_ffff;
/// A buffer that grew beyond this is given back after its message.
const ROOM_TO_HOLD: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Sequence number of its first packet.
    pub sequence: u8,
    /// How many packets it came in.
    pub packets: u32,
    /// Bytes of the payload, kept or not.
    pub length: usize,
    /// The payload, cut off after as much as is kept.
    pub payload: &'a [u8],
}

/// Cuts one direction of a connection into messages, in whatever pieces its bytes arrive.
pub struct Messages {
    keep: usize,
    header: [u8; HEADER],
    header_bytes: usize,
    /// Of the packet whose header is complete.
    payload_left: usize,
    goes_on: bool,
    // Of the message under way:
    sequence: u8,
    packets: u32,
    length: usize,
    kept: Vec<u8>,
}

impl Messages {
    /// `keep`: of a payload so many bytes are kept at most; the others are counted only.
    pub fn new(keep: usize) -> Self {
        Self { keep, header: [0; HEADER], header_bytes: 0, payload_left: 0, goes_on: false, sequence: 0, packets: 0, length: 0, kept: Vec::new() }
    }

    /// Takes in the next bytes and hands over every message they complete.
    pub fn feed(&mut self, mut bytes: &[u8], mut handle: impl FnMut(Message)) {
        while self.header_bytes == HEADER || self.take_header(&mut bytes) {
            let (piece, rest) = bytes.split_at(self.payload_left.min(bytes.len()));
            bytes = rest;
            self.payload_left -= piece.len();
            let all_here = self.length == 0;
            self.length += piece.len();
            let packet_complete = self.payload_left == 0;
            if packet_complete {
                self.header_bytes = 0;
            }
            if !packet_complete || self.goes_on {
                self.keep_some(piece);
            } else if all_here {
                // The usual case: no byte is copied.
                handle(self.message(&piece[..piece.len().min(self.keep)]));
                self.forget();
            } else {
                self.keep_some(piece);
                handle(self.message(&self.kept));
                self.forget();
            }
            if !packet_complete {
                return;
            }
        }
    }

    /// Bytes held of a message that is not complete.
    pub fn held(&self) -> usize {
        self.kept.len()
    }

    /// False when `bytes` ends before the header does.
    fn take_header(&mut self, bytes: &mut &[u8]) -> bool {
        let (piece, rest) = bytes.split_at((HEADER - self.header_bytes).min(bytes.len()));
        self.header[self.header_bytes..self.header_bytes + piece.len()].copy_from_slice(piece);
        self.header_bytes += piece.len();
        *bytes = rest;
        if self.header_bytes < HEADER {
            return false;
        }
        let [low, middle, high, sequence] = self.header;
        self.payload_left = u32::from_le_bytes([low, middle, high, 0]) as usize;
        self.goes_on = self.payload_left == GREATEST_PAYLOAD;
        if self.packets == 0 {
            self.sequence = sequence;
        }
        self.packets += 1;
        true
    }

    fn keep_some(&mut self, piece: &[u8]) {
        let room = self.keep - self.kept.len();
        self.kept.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn message<'a>(&self, payload: &'a [u8]) -> Message<'a> {
        Message { sequence: self.sequence, packets: self.packets, length: self.length, payload }
    }

    fn forget(&mut self) {
        self.packets = 0;
        self.length = 0;
        self.kept.clear();
        self.kept.shrink_to(ROOM_TO_HOLD);
    }
}
