//! Which tables a query touches, and what it does to each.

use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, ObjectType, Query, Statement, Visit, Visitor};
use sqlparser::dialect::MySqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOperation {
    /// As the query spells it, without quotes; `schema.table` when it names both.
    pub table: String,
    pub operation: &'static str,
}

/// The text is no SQL, no SQL the parser knows, or nests too deeply.
#[derive(Debug, PartialEq, Eq)]
pub struct NotParsed;

/// A chain such as `1+1+1...` makes a tree as deep as it is long, and walking and freeing a tree recurse; so does parsing
/// what stands in parentheses or is joined, with frames of kilobytes. Without limits, a client's query could overflow the stack of the worker. Values and commas
/// make no such chains: long lists of them pass.
const MOST_CHAINING_TOKENS: usize = 4000;
const DEEPEST_PARENTHESES: usize = 100;
/// MySQL itself joins 61 tables at most.
const MOST_JOINS: usize = 100;

/// Every table with every operation on it, each pair once, in the order of the query's text.
pub fn table_operations(sql: &str) -> Result<Vec<TableOperation>, NotParsed> {
    let dialect = MySqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize().map_err(|_| NotParsed)?;
    if nests_too_deeply(&tokens) {
        return Err(NotParsed);
    }
    let statements = Parser::new(&dialect).with_tokens(tokens).parse_statements().map_err(|_| NotParsed)?;
    if statements.is_empty() {
        return Err(NotParsed);
    }
    let mut found = Accesses::default();
    for statement in &statements {
        found.of(statement);
    }
    Ok(found.accesses)
}

fn nests_too_deeply(tokens: &[Token]) -> bool {
    let (mut chaining, mut depth, mut joins) = (0usize, 0usize, 0usize);
    for token in tokens {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) if matches!(word.keyword, Keyword::JOIN | Keyword::STRAIGHT_JOIN) => joins += 1,
            token if chains(token) => chaining += 1,
            _ => {}
        }
        if chaining > MOST_CHAINING_TOKENS || depth > DEEPEST_PARENTHESES || joins > MOST_JOINS {
            return true;
        }
    }
    false
}

fn chains(token: &Token) -> bool {
    !matches!(
        token,
        Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_)
            | Token::HexStringLiteral(_) | Token::Placeholder(_)
    )
}

#[derive(Default)]
struct Accesses {
    accesses: Vec<TableOperation>,
    /// What the statement does to tables outside of queries within it.
    operation: &'static str,
    queries_around: usize,
}

impl Accesses {
    fn of(&mut self, statement: &Statement) {
        self.queries_around = 0;
        self.operation = match statement {
            Statement::Insert { .. } => "insert",
            Statement::Update { .. } => "update",
            Statement::Delete { .. } => "delete",
            Statement::Truncate { .. } => "truncate",
            Statement::CreateTable { .. } | Statement::CreateView { .. } | Statement::CreateIndex { .. } => "create",
            Statement::AlterTable { .. } => "alter",
            // The parser does not count what is dropped among the relations.
            Statement::Drop { object_type: ObjectType::Table | ObjectType::View, names, .. } => {
                names.iter().for_each(|name| self.add(name, "drop"));
                return;
            }
            Statement::Query(_) | Statement::Explain { .. } => "select",
            // Statements about the server rather than its tables, e.g. SET and SHOW.
            _ => return,
        };
        _ = statement.visit(self);
    }

    fn add(&mut self, name: &ObjectName, operation: &'static str) {
        let parts: Vec<&str> = name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.as_str()).collect();
        let access = TableOperation { table: parts.join("."), operation };
        if !self.accesses.contains(&access) {
            self.accesses.push(access);
        }
    }
}

impl Visitor for Accesses {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        self.queries_around += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        self.queries_around -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<Self::Break> {
        let operation = if self.queries_around > 0 { "select" } else { self.operation };
        self.add(name, operation);
        ControlFlow::Continue(())
    }
}
