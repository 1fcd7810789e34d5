mod support;

use decoder::{Counter::*, Session, LONGEST_QUERY};
use support::*;

fn after_login(more: &[(Side, Vec<u8>)]) -> Seen {
    seen(&[logged_in(), more.to_vec()].concat())
}

#[test]
fn a_query_by_key_is_one_login_and_one_select_on_its_table() {
    let seen = seen(&conversation(&["SELECT * FROM users WHERE id = 7"]));
    assert_eq!(seen.counters, [LoginAttempts, QueriesParsed]);
    assert_eq!(seen.accesses, [("users".to_string(), "select")]);
}

#[test]
fn the_same_is_seen_when_every_byte_arrives_alone() {
    let whole = conversation(&["SELECT * FROM users WHERE id = 7", "nonsense", "DELETE FROM users"]);
    let single = whole.iter().flat_map(|(side, bytes)| bytes.iter().map(|&byte| (*side, vec![byte]))).collect();
    assert_eq!(seen(&single), seen(&whole));
}

#[test]
fn the_same_is_seen_when_all_queries_arrive_at_once() {
    let pipelined = ["SELECT 1", "SELECT 2"].iter().flat_map(|text| packet(0, &query(text))).collect();
    let answers = [result_set(), result_set()].concat();
    assert_eq!(after_login(&[(Side::Client, pipelined), (Side::Server, answers)]).counters, [LoginAttempts, QueriesParsed, QueriesParsed]);
}

#[test]
fn what_is_no_sql_is_counted_and_the_next_query_is_parsed_again() {
    let seen = seen(&conversation(&["SELEKT 1", "SELECT 1"]));
    assert_eq!(seen.counters, [LoginAttempts, QueriesParseError, QueriesParsed]);
}

#[test]
fn a_refused_login_is_a_failure() {
    let said = vec![(Side::Server, packet(0, GREETING)), (Side::Client, packet(1, &login(PROTOCOL_41))), (Side::Server, packet(2, ERROR))];
    assert_eq!(seen(&said).counters, [LoginAttempts, LoginFailures]);
}

#[test]
fn a_switch_of_the_login_method_is_followed_to_its_end() {
    let said = vec![
        (Side::Server, packet(0, GREETING)),
        (Side::Client, packet(1, &login(PROTOCOL_41))),
        (Side::Server, packet(2, b"\xfemysql_native_password\0abcdefghijklmnopqrst\0")),
        (Side::Client, packet(3, &[7; 20])),
        (Side::Server, packet(4, OK)),
        (Side::Client, packet(0, &query("SELECT 1"))),
    ];
    assert_eq!(seen(&said).counters, [LoginAttempts, AuthSwitchRequest, QueriesParsed]);
}

#[test]
fn after_a_switch_to_tls_nothing_is_decoded_nor_held() {
    let mut session = Session::default();
    let mut seen = Seen::default();
    session.server(&packet(0, GREETING), &mut seen);
    session.client(&packet(1, &login(PROTOCOL_41 | SSL)[..32]), &mut seen);
    session.client(&[0x16; 100_000], &mut seen);
    session.server(&[0x17; 100_000], &mut seen);
    assert_eq!((seen.counters, session.held()), (vec![LoginAttempts, UpgradedToSsl], 0));
}

#[test]
fn bytes_that_are_no_mysql_are_one_error_and_then_let_alone() {
    let http = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec();
    let mut said = vec![(Side::Server, packet(0, b"garbage"))];
    said.extend((0..100).map(|_| (Side::Server, http.clone())));
    assert_eq!(seen(&said).counters, [DecoderErrors]);
}

#[test]
fn an_answer_out_of_sequence_is_counted_and_the_next_command_starts_afresh() {
    let seen = after_login(&[
        (Side::Client, packet(0, &query("SELECT 1"))),
        (Side::Server, packet(9, OK)),
        (Side::Client, packet(0, &query("SELECT 2"))),
        (Side::Server, packet(1, OK)),
    ]);
    assert_eq!(seen.counters, [LoginAttempts, QueriesParsed, ProtocolErrors, QueriesParsed]);
}

#[test]
fn statements_executed_by_number_carry_no_text_to_parse() {
    let execute = b"\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x03\0\x07\0\0\0";
    let seen = after_login(&[(Side::Client, packet(0, execute)), (Side::Server, result_set())]);
    assert_eq!(seen.counters, [LoginAttempts]);
}

#[test]
fn a_query_of_many_packets_is_followed_to_its_end_without_being_held() {
    let mut session = Session::default();
    let mut seen = Seen::default();
    for (side, bytes) in logged_in() {
        say(&mut session, side, &bytes, &mut seen);
    }
    let first = packet(0, &query(&"x".repeat(0xff_ffff - 1)));
    for piece in first.chunks(65_536) {
        session.client(piece, &mut seen);
        assert!(session.held() <= LONGEST_QUERY + 1);
    }
    session.client(&packet(1, b"the end"), &mut seen);
    session.server(&packet(2, ERROR), &mut seen);
    session.client(&packet(0, &query("SELECT 1")), &mut seen);
    assert_eq!(seen.counters, [LoginAttempts, QueriesParseError, QueriesParsed]);
}
