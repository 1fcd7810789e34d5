//! Feeds the decoder with broken conversations: `cargo run --release --example fuzz -- INPUTS [SEED]`.
//!
//! Each input is a conversation that was cut, spliced, and had bytes changed. It must not panic nor overflow a stack of a
//! quarter of an Envoy worker's, must not hold more than the longest query, and whole or in pieces the same must be seen
//! of it. Prints how many inputs there were and what was counted, or ends with what went wrong.

#[path = "../tests/support/mod.rs"]
mod support;

use decoder::{Counter, Session, LONGEST_QUERY};
use support::*;

const STACK_BYTES: usize = 2 << 20;

const QUERIES: [&str; 10] = [
    "SELECT * FROM users WHERE id = 7", "INSERT INTO users (id, name) VALUES (1, 'a'), (2, 'b')", "UPDATE users SET name = 'x' WHERE id = 1",
    "SELECT a.x, COUNT(*) FROM a JOIN b ON a.x = b.x WHERE a.y IN (SELECT y FROM c) GROUP BY a.x HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 3",
    "SET NAMES utf8mb4", "DROP TABLE IF EXISTS a, b", "SELECT -(1+2*3)/4 AS \"n\", CASE WHEN x THEN 'y' END FROM `t` -- note",
    "WITH r AS (SELECT 1) SELECT * FROM r UNION ALL SELECT 2", "SELEKT", "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'x')",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let inputs: u64 = arguments.next().and_then(|text| text.parse().ok()).expect("usage: fuzz INPUTS [SEED]");
    let seed: u64 = arguments.next().map_or(1, |text| text.parse().expect("SEED is a number"));
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || fuzz(inputs, seed)).unwrap();
    let Ok(counts) = worker.join() else { std::process::exit(1) };
    println!("{inputs} inputs, seed {seed}, {}", counts.join(", "));
}

fn fuzz(inputs: u64, seed: u64) -> Vec<String> {
    let mut counts = [0u64; Counter::ALL.len()];
    for input in 0..inputs {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ input.wrapping_mul(0xd1b5_4a32_d192_ed03) | 1);
        let said = broken_conversation(&mut random);
        let whole = observed(&said, input);
        let pieces = in_pieces(&said, &mut random);
        assert_eq!(observed(&pieces, input), whole, "input {input}: in pieces something else was seen");
        whole.counters.iter().for_each(|counter| counts[*counter as usize] += 1);
    }
    Counter::ALL.iter().map(|(counter, name)| format!("{name} {}", counts[*counter as usize])).collect()
}

fn observed(said: &Conversation, input: u64) -> Seen {
    let mut session = Session::default();
    let mut seen = Seen::default();
    for (side, bytes) in said {
        say(&mut session, *side, bytes, &mut seen);
        assert!(session.held() <= LONGEST_QUERY + 2048, "input {input}: {} bytes held", session.held());
    }
    seen
}

fn broken_conversation(random: &mut Random) -> Conversation {
    let queries: Vec<&str> = (0..1 + random.below(4)).map(|_| QUERIES[random.below(QUERIES.len())]).collect();
    let mut said = conversation(&queries);
    for _ in 0..random.below(6) {
        let at = random.below(said.len());
        let bytes = &mut said[at].1;
        if bytes.is_empty() {
            continue;
        }
        let place = random.below(bytes.len());
        match random.below(7) {
            0 => bytes[place] = random.byte(),
            1 => bytes[place] ^= 1 << random.below(8),
            2 => bytes.truncate(place),
            3 => (0..random.below(40)).for_each(|_| bytes.insert(place, random.byte())),
            4 => _ = bytes.drain(..place),
            5 => {
                let again = bytes[place..].to_vec();
                (0..random.below(50)).for_each(|_| bytes.extend_from_slice(&again));
            }
            _ => _ = said.remove(at),
        }
        if said.is_empty() {
            break;
        }
    }
    said
}

fn in_pieces(said: &Conversation, random: &mut Random) -> Conversation {
    let longest = 1 + random.below(40);
    said.iter().flat_map(|(side, bytes)| bytes.chunks(longest).map(|piece| (*side, piece.to_vec())).collect::<Conversation>()).collect()
}

/// Xorshift64* (Vigna 2016): the same inputs for the same seed everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }
}
