use decoder::{table_operations, NotParsed};

fn operations(sql: &str) -> Vec<(String, &'static str)> {
    table_operations(sql).unwrap().into_iter().map(|found| (found.table, found.operation)).collect()
}

macro_rules! operations_are {
    ($($name:ident: $sql:expr => $expected:expr;)*) => {
        $(#[test] fn $name() {
            let expected: &[(&str, &str)] = &$expected;
            let found = operations($sql);
            let found: Vec<(&str, &str)> = found.iter().map(|(table, operation)| (table.as_str(), *operation)).collect();
            assert_eq!(found, expected);
        })*
    };
}

operations_are! {
    select_by_key: "SELECT id, name FROM users WHERE id = 7" => [("users", "select")];
    quoted_and_qualified: "SELECT * FROM `shop`.`users`" => [("shop.users", "select")];
    join_and_subquery: "SELECT * FROM a JOIN b ON a.x = b.x WHERE a.y IN (SELECT y FROM c)" => [("a", "select"), ("b", "select"), ("c", "select")];
    insert: "INSERT INTO users (id) VALUES (1), (2)" => [("users", "insert")];
    insert_from_another: "INSERT INTO a SELECT * FROM b" => [("a", "insert"), ("b", "select")];
    update: "UPDATE users SET name = 'x' WHERE id = 1" => [("users", "update")];
    delete: "DELETE FROM users WHERE id = 1" => [("users", "delete")];
    create: "CREATE TABLE users (id INT PRIMARY KEY)" => [("users", "create")];
    alter: "ALTER TABLE users ADD COLUMN age INT" => [("users", "alter")];
    drop_tables: "DROP TABLE a, b" => [("a", "drop"), ("b", "drop")];
    several_statements: "SELECT 1 FROM a; DELETE FROM b" => [("a", "select"), ("b", "delete")];
    one_table_twice: "SELECT * FROM a, a AS again" => [("a", "select")];
    of_the_server: "SET NAMES utf8mb4" => [];
    without_a_table: "SELECT @@version" => [];
}

#[test]
fn text_that_is_no_sql_is_not_parsed() {
    for text in ["", ";", "SELEKT 1", "SELECT * FROM", "\0\u{fffd}"] {
        assert_eq!(table_operations(text), Err(NotParsed), "{text:?}");
    }
}

#[test]
fn a_long_list_of_values_is_parsed() {
    let rows = vec!["(1, 'one')"; 20_000].join(", ");
    assert_eq!(operations(&format!("INSERT INTO users VALUES {rows}")), [("users".to_string(), "insert")]);
}

/// An Envoy worker's stack is 8 MB; a test's is 2 MB here, so that what passes leaves room.
#[test]
fn no_chain_of_whatever_overflows_the_stack() {
    let on_a_small_stack = |sql: String| std::thread::Builder::new().stack_size(2 << 20).spawn(move || table_operations(&sql).is_ok()).unwrap().join().unwrap();
    for (start, link, end) in [
        ("SELECT 1", "+1", ""), ("SELECT 1", " AND 1", ""), ("SELECT 1", " UNION SELECT 1", ""), ("SELECT ", "(", "1"), ("SELECT ", "-", "1"),
        ("SELECT ", "- ", "1"), ("SELECT ", "!", "1"), ("SELECT a", "[1]", ""), ("SELECT a", ".a", ""), ("SELECT ", "NOT ", "1"), ("", "EXPLAIN ", "SELECT 1"),
        ("SELECT 1", " IS NULL", ""), ("SELECT 1", "::INT", ""), ("SELECT 1", " COLLATE x", ""), ("SELECT 1", " AT TIME ZONE 'x'", ""), ("SELECT ", "CASE WHEN ", "1"),
        ("SELECT ", "INTERVAL ", "1"), ("SELECT ", "PRIOR ", "1"), ("SELECT 1 ", "BETWEEN 1 AND 1 ", ""), ("SELECT 1 ", "LIKE 1 ESCAPE ", "'x'"), ("SELECT 1 ", "IN ", "(1)"),
        ("SELECT * FROM a", " JOIN a", ""), ("SELECT * FROM a", " JOIN a ON 1", ""), ("SELECT * FROM a", " JOIN a", " ON 1 ON 1"), ("SELECT * FROM a", " NATURAL JOIN a", ""),
        ("SELECT * FROM ", "(", "a"), ("SELECT * FROM ", "(a JOIN ", "b"), ("SELECT * FROM ", "(SELECT * FROM ", "a"), ("SELECT ", "f(", "1"), ("SELECT f", "(1)", ""),
        ("SELECT CAST(1 AS ", "ARRAY<", "INT"), ("SELECT CAST(1 AS INT", "[]", ")"), ("SELECT CAST(1 AS ", "STRUCT<a ", "INT"), ("CREATE TABLE t (a ", "ENUM(", "1"),
        ("", "WITH a AS (", "SELECT 1"), ("", "BEGIN ", "END"), ("", "PREPARE a AS ", "SELECT 1"), ("", "IF 1 THEN ", "SELECT 1"), ("", "ANALYZE ", "t"), ("SET a = ", "SET a = ", "1"),
        ("INSERT INTO t ", "INSERT INTO t ", "SELECT 1"), ("CREATE VIEW a AS ", "CREATE VIEW a AS ", "SELECT 1"), ("SELECT ", "'a' ", ""), ("SELECT ", "1 ", ""), ("SELECT ", "? ", ""),
        ("SELECT 1", ";SELECT 1", ""), ("SELECT ", "a -> ", "a"), ("SELECT ", "ROW(", "1"), ("SELECT 1 WHERE ", "EXISTS (SELECT 1 WHERE ", "1"), ("VALUES ", "ROW (", "1"), ("/*", "/*", ""),
    ] {
        for links in [10, 99, 1000, 1900, 3900, 100_000] {
            on_a_small_stack(format!("{start}{}{end}", link.repeat(links)));
        }
    }
}

#[test]
fn endless_chains_are_refused() {
    for (link, end) in [("+1", ""), (" OR 1", ""), (" + (1", &*")".repeat(1000))] {
        assert_eq!(table_operations(&format!("SELECT 1{}{end}", link.repeat(1000))).is_ok(), end.is_empty());
        assert_eq!(table_operations(&format!("SELECT 1{}{end}", link.repeat(100_000))), Err(NotParsed));
    }
}
