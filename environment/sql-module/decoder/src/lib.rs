//! Follows MySQL connections from the outside: what the two sides say is looked at, never changed or held back.
//!
//! It does the work of Envoy's contrib extension `mysql_proxy`, whose counters it has: packets over any split of the
//! byte stream, login and command phases, and the tables and operations of each `COM_QUERY`.

mod message;
mod query;
mod session;

pub use message::{Message, Messages};
pub use query::{table_operations, NotParsed, TableOperation};
pub use session::{Counter, Observer, Session, LONGEST_QUERY};
