//! What this module uses of Envoy's interface for network filters, declared by hand from its documentation.

use std::ffi::{c_char, c_void};

/// The interface's version that Envoy 1.40 has; others warn.
pub const ABI_VERSION: *const c_char = c"v0.2.0".as_ptr();

/// Continue with the next filter: the only answer this one ever gives.
pub const CONTINUE: u32 = 0;

/// Envoy's objects and, the other way round, ours.
pub type Opaque = *mut c_void;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Buffer {
    pub start: *const u8,
    pub length: usize,
}

impl Buffer {
    pub const EMPTY: Buffer = Buffer { start: std::ptr::null(), length: 0 };

    pub fn of(text: &str) -> Buffer {
        Buffer { start: text.as_ptr(), length: text.len() }
    }

    /// # Safety
    /// The buffer's bytes must be there and stay unchanged as long as the slice is used.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.length == 0 {
            return &[];
        }
        std::slice::from_raw_parts(self.start, self.length)
    }
}

extern "C" {
    pub fn envoy_dynamic_module_callback_network_filter_config_define_counter(config: Opaque, name: Buffer, id: *mut usize) -> u32;
    pub fn envoy_dynamic_module_callback_network_filter_increment_counter(filter: Opaque, id: usize, by: u64) -> u32;
    pub fn envoy_dynamic_module_callback_network_set_dynamic_metadata_string(filter: Opaque, namespace: Buffer, key: Buffer, value: Buffer);
    pub fn envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks_size(filter: Opaque) -> usize;
    pub fn envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks(filter: Opaque, chunks: *mut Buffer) -> bool;
    pub fn envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks_size(filter: Opaque) -> usize;
    pub fn envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks(filter: Opaque, chunks: *mut Buffer) -> bool;
}
