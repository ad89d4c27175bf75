//! Decodes the frames that weather stations send: a few bytes for each reading, and a checksum behind them.
//!
//! A frame is, with all numbers little-endian:
//!
//! | bytes | |
//! | --- | --- |
//! | 2 | `WX` |
//! | 1 | version, 1 |
//! | 1 | station |
//! | 2 | first day, counted from 1970-01-01 |
//! | 1 | number of days |
//! | … | four columns, one after the other: precipitation, highest and lowest temperature, wind; each a value for each day in tenths, as the difference to the day before, zigzag, LEB128 |
//! | 4 | CRC-32C of all before |
//!
//! The host writes a frame to where `input` says, calls `decode` with its length, and finds the values where `output`
//! says: 16-bit numbers, column by column. No allocator, no imports.
#![no_std]

const MAX_FRAME: usize = 4096;
const MAX_DAYS: usize = 255;
const COLUMNS: usize = 4;
const HEAD: usize = 7;
const CHECKSUM: usize = 4;

/// What `decode` answers when a frame cannot be read.
const TOO_SHORT: i32 = -1;
const WRONG_CHECKSUM: i32 = -2;
const UNKNOWN_FORMAT: i32 = -3;
const BROKEN_COLUMN: i32 = -4;

static mut INPUT: [u8; MAX_FRAME] = [0; MAX_FRAME];
static mut OUTPUT: [i16; MAX_DAYS * COLUMNS] = [0; MAX_DAYS * COLUMNS];

/// Where the host writes a frame.
#[no_mangle]
pub extern "C" fn input() -> *mut u8 {
    // One thread runs this module, and only the host and `decode` touch the buffer, in turns.
    unsafe { core::ptr::addr_of_mut!(INPUT) as *mut u8 }
}

/// The longest frame that fits.
#[no_mangle]
pub extern "C" fn capacity() -> usize {
    MAX_FRAME
}

/// Where the host finds the values.
#[no_mangle]
pub extern "C" fn output() -> *const i16 {
    unsafe { core::ptr::addr_of!(OUTPUT) as *const i16 }
}

/// Decodes the frame of `length` bytes; answers the number of its days, or below zero why it cannot.
#[no_mangle]
pub extern "C" fn decode(length: usize) -> i32 {
    // As in `input`.
    let (input, output) = unsafe { (&*core::ptr::addr_of!(INPUT), &mut *core::ptr::addr_of_mut!(OUTPUT)) };
    match input.get(..length).map(|frame| read(frame, output)) {
        Some(Ok(days)) => days as i32,
        Some(Err(reason)) => reason,
        None => TOO_SHORT,
    }
}

fn read(frame: &[u8], output: &mut [i16]) -> Result<usize, i32> {
    if frame.len() < HEAD + CHECKSUM {
        return Err(TOO_SHORT);
    }
    let (body, checksum) = frame.split_at(frame.len() - CHECKSUM);
    if crc32c(body).to_le_bytes() != *checksum {
        return Err(WRONG_CHECKSUM);
    }
    if body[..3] != *b"WX\x01" {
        return Err(UNKNOWN_FORMAT);
    }
    let days = body[6] as usize;
    let mut rest = &body[HEAD..];
    for column in output.chunks_exact_mut(days.max(1)).take(COLUMNS) {
        let mut value = 0i32;
        for place in column {
            value += difference(&mut rest)?;
            *place = i16::try_from(value).map_err(|_| BROKEN_COLUMN)?;
        }
    }
    if rest.is_empty() { Ok(days) } else { Err(BROKEN_COLUMN) }
}

/// The next number, zigzag and LEB128, of at most 16 bits.
fn difference(rest: &mut &[u8]) -> Result<i32, i32> {
    let mut value = 0u32;
    for shift in [0, 7, 14] {
        let (&byte, tail) = rest.split_first().ok_or(BROKEN_COLUMN)?;
        *rest = tail;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i32 ^ -((value & 1) as i32));
        }
    }
    Err(BROKEN_COLUMN)
}

/// Castagnoli's CRC, as Kafka's own record batches have it.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize])
}

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
