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
fn nesting_that_would_overflow_the_stack_is_refused() {
    let on_a_small_stack = |sql: String| std::thread::Builder::new().stack_size(2 << 20).spawn(move || table_operations(&sql).is_ok()).unwrap().join().unwrap();
    for (start, link, end) in [("SELECT 1", "+1", ""), ("SELECT 1", " AND 1", ""), ("SELECT 1", " UNION SELECT 1", ""), ("SELECT ", "(", "1"), ("SELECT ", "-", "1"), ("SELECT a", "[1]", ""), ("SELECT ", "NOT ", "1"), ("", "EXPLAIN ", "SELECT 1")] {
        for links in [10, 1000, 1900, 3900, 100_000] {
            on_a_small_stack(format!("{start}{}{end}", link.repeat(links)));
        }
        assert!(!on_a_small_stack(format!("{start}{}{end}", link.repeat(100_000))), "{link:?}");
    }
}
