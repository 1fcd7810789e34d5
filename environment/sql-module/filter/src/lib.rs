//! The network filter that Envoy loads: looks at a connection's bytes, counts, and says what tables its queries touch.
//!
//! It has the counters of the contrib extension `mysql_proxy` under the same names, and the same metadata namespace.
//! One thing differs, since a module can set no lists: the operations on a table are one text, `insert,select`.

mod envoy;

use std::panic::{catch_unwind, AssertUnwindSafe};

use decoder::{Counter, Observer, Session, TableOperation};
use envoy::{Buffer, Opaque, CONTINUE};

const METADATA_NAMESPACE: &str = "envoy.filters.network.mysql_proxy";

/// Envoy's ids of our counters, by `Counter`.
type CounterIds = [usize; Counter::ALL.len()];

/// One connection's.
struct Filter {
    session: Session,
    counter_ids: CounterIds,
    /// Tables whose metadata is set; those that the next query does not touch are emptied.
    tables: Vec<String>,
    /// Room for the pieces of a buffer, kept so that it is not allocated at every read.
    chunks: Vec<Buffer>,
    /// What was written for this connection panicked: it is let alone.
    broken: bool,
}

/// Lends Envoy's side of a filter to the decoder.
struct Reporter<'a> {
    envoy_filter: Opaque,
    counter_ids: &'a CounterIds,
    tables: &'a mut Vec<String>,
}

impl Reporter<'_> {
    fn set_metadata(&self, table: &str, operations: &str) {
        unsafe {
            envoy::envoy_dynamic_module_callback_network_set_dynamic_metadata_string(
                self.envoy_filter, Buffer::of(METADATA_NAMESPACE), Buffer::of(table), Buffer::of(operations),
            );
        }
    }
}

impl Observer for Reporter<'_> {
    fn count(&mut self, counter: Counter) {
        unsafe {
            envoy::envoy_dynamic_module_callback_network_filter_increment_counter(self.envoy_filter, self.counter_ids[counter as usize], 1);
        }
    }

    fn accessed(&mut self, accesses: &[TableOperation]) {
        let touched = |table: &str| accesses.iter().any(|access| access.table == table);
        for table in self.tables.iter().filter(|table| !touched(table)) {
            self.set_metadata(table, "");
        }
        self.tables.retain(|table| touched(table));
        for (i, TableOperation { table, .. }) in accesses.iter().enumerate() {
            if accesses[..i].iter().any(|earlier| earlier.table == *table) {
                continue;
            }
            let operations: Vec<&str> = accesses.iter().filter(|access| access.table == *table).map(|access| access.operation).collect();
            self.set_metadata(table, &operations.join(","));
            if !self.tables.contains(table) {
                self.tables.push(table.clone());
            }
        }
    }
}

impl Filter {
    /// Lets the decoder see what the connection says. Whatever happens in there, the bytes go their way.
    fn look(&mut self, envoy_filter: Opaque, chunks: ChunkCallbacks, take: fn(&mut Session, &[u8], &mut Reporter)) {
        if self.broken {
            return;
        }
        let looked = catch_unwind(AssertUnwindSafe(|| {
            let count = unsafe { (chunks.count)(envoy_filter) };
            self.chunks.clear();
            self.chunks.resize(count, Buffer::EMPTY);
            if count == 0 || !unsafe { (chunks.read)(envoy_filter, self.chunks.as_mut_ptr()) } {
                return;
            }
            let mut reporter = Reporter { envoy_filter, counter_ids: &self.counter_ids, tables: &mut self.tables };
            for chunk in &self.chunks {
                take(&mut self.session, unsafe { chunk.bytes() }, &mut reporter);
            }
        }));
        self.broken = looked.is_err();
        if self.broken {
            Reporter { envoy_filter, counter_ids: &self.counter_ids, tables: &mut self.tables }.count(Counter::DecoderErrors);
        }
    }
}

/// The two functions that show the pieces of a buffer.
struct ChunkCallbacks {
    count: unsafe extern "C" fn(Opaque) -> usize,
    read: unsafe extern "C" fn(Opaque, *mut Buffer) -> bool,
}

#[no_mangle]
extern "C" fn envoy_dynamic_module_on_program_init() -> *const std::ffi::c_char {
    // A panic is caught and counted; by default it would also write to Envoy's log at every malformed packet.
    std::panic::set_hook(Box::new(|_| {}));
    envoy::ABI_VERSION
}

/// `config` is the prefix of the counters' names.
#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_config_new(envoy_config: Opaque, _name: Buffer, config: Buffer) -> Opaque {
    let prefix = String::from_utf8_lossy(unsafe { config.bytes() });
    let mut ids: CounterIds = [0; Counter::ALL.len()];
    for (counter, name) in Counter::ALL {
        let full_name = format!("{prefix}.{name}");
        let failed = unsafe {
            envoy::envoy_dynamic_module_callback_network_filter_config_define_counter(envoy_config, Buffer::of(&full_name), &mut ids[counter as usize])
        };
        if failed != 0 {
            return std::ptr::null_mut();
        }
    }
    Box::into_raw(Box::new(ids)).cast()
}

#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_config_destroy(config: Opaque) {
    drop(unsafe { Box::from_raw(config.cast::<CounterIds>()) });
}

#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_new(config: Opaque, _envoy_filter: Opaque) -> Opaque {
    let counter_ids = unsafe { *config.cast::<CounterIds>() };
    let filter = Filter { session: Session::default(), counter_ids, tables: Vec::new(), chunks: Vec::new(), broken: false };
    Box::into_raw(Box::new(filter)).cast()
}

#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_new_connection(envoy_filter: Opaque, filter: Opaque) -> u32 {
    let filter = unsafe { &mut *filter.cast::<Filter>() };
    Reporter { envoy_filter, counter_ids: &filter.counter_ids, tables: &mut filter.tables }.count(Counter::Sessions);
    CONTINUE
}

/// From the client.
#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_read(envoy_filter: Opaque, filter: Opaque, _length: usize, _end_of_stream: bool) -> u32 {
    let chunks = ChunkCallbacks {
        count: envoy::envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks_size,
        read: envoy::envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks,
    };
    unsafe { &mut *filter.cast::<Filter>() }.look(envoy_filter, chunks, |session, bytes, reporter| session.client(bytes, reporter));
    CONTINUE
}

/// From the server.
#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_write(envoy_filter: Opaque, filter: Opaque, _length: usize, _end_of_stream: bool) -> u32 {
    let chunks = ChunkCallbacks {
        count: envoy::envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks_size,
        read: envoy::envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks,
    };
    unsafe { &mut *filter.cast::<Filter>() }.look(envoy_filter, chunks, |session, bytes, reporter| session.server(bytes, reporter));
    CONTINUE
}

#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_event(_envoy_filter: Opaque, _filter: Opaque, _event: u32) {}

#[no_mangle]
extern "C" fn envoy_dynamic_module_on_network_filter_destroy(filter: Opaque) {
    drop(unsafe { Box::from_raw(filter.cast::<Filter>()) });
}
