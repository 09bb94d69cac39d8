//! A savefile that is written: a stdio stream, which the program knows too and may use as it likes.
//!
//! A write that fails is never lost: the stream remembers that one did, and every call from then on that can say so
//! does, with the reason in `errno`.

use super::append;
use super::writer::{FILE_HEADER, packet_header};
use crate::error::{Error, Result};
use crate::handle::batch::PacketHeader;
use crate::sys::stdio::Stream;
use crate::sys::{Errno, Sys};
use std::ffi::CStr;

/// What errors call standard output.
pub const STANDARD_OUTPUT: &str = "standard output";

/// Creates a file, called `shown` in errors.
pub fn create(name: &CStr, shown: &str, header: &[u8; FILE_HEADER]) -> Result<Stream> {
    let stream = Stream::open(name, c"wb").map_err(|errno| Error::errno(shown, errno))?;
    stream.enlarge();
    or_close(stream, |stream| begin(stream, shown, header))
}

/// Writes the header of the file.
pub fn begin(stream: &Stream, shown: &str, header: &[u8; FILE_HEADER]) -> Result<()> {
    stream.begin();
    stream.write(header).map_err(|errno| Error::errno(format!("Can't write to {shown}"), errno))
}

/// Opens a file to go on with; one that is empty or not there is begun.
pub fn append(name: &CStr, shown: &str, header: &[u8; FILE_HEADER]) -> Result<Stream> {
    let stream = Stream::open(name, c"ab+").map_err(|errno| Error::errno(shown, errno))?;
    stream.enlarge();
    or_close(stream, |stream| {
        let cannot =
            |what| move |errno| Error::errno(format!("Can't seek to the {what} of {shown}"), errno);
        let mut found = [0; FILE_HEADER];
        match stream.read_beginning(&mut found) {
            Ok(0) => begin(stream, shown, header)?,
            Ok(FILE_HEADER) => {
                append::check(&found, header, shown)?;
                stream.begin();
            }
            Ok(_) => return Err(Error::new(format!("{shown}: truncated pcap file header"))),
            Err(errno @ Errno(libc::ESPIPE)) => return Err(cannot("beginning")(errno)),
            Err(errno) => return Err(Error::errno(shown, errno)),
        }
        stream.seek_end().map_err(cannot("end"))
    })
}

/// The stream, which is closed if `f` fails.
fn or_close(stream: Stream, f: impl FnOnce(&Stream) -> Result<()>) -> Result<Stream> {
    match f(&stream) {
        Ok(()) => Ok(stream),
        Err(error) => {
            // The error that counts is the first.
            let _ = stream.close();
            Err(error)
        }
    }
}

/// Writes a packet. QUIRK: after a failure nothing more is written.
#[inline(always)]
pub fn write(stream: &Stream, header: &PacketHeader, bytes: &[u8]) {
    if !stream.append(|| packet_header(header), bytes) {
        write_through(stream, header, bytes);
    }
}

/// Writes a packet that there is no room for in the buffer. A thread may be cancelled here.
#[cold]
#[inline(never)]
fn write_through(stream: &Stream, header: &PacketHeader, bytes: &[u8]) {
    if stream.has_failed() {
        return;
    }
    let written = stream.write(&packet_header(header)).and_then(|()| stream.write(bytes));
    // The stream knows that it has failed, but not why.
    let _ = written.inspect_err(|errno| stream.remember(*errno));
}

/// Writes what is in the buffer; fails if that does or if a write before did.
#[inline]
pub fn flush(stream: &Stream) -> Sys<()> {
    match stream.flush() {
        Ok(()) if !stream.has_failed() => Ok(()),
        flushed => Err(why_not(stream, flushed)),
    }
}

/// Why not all has been written, by the last write or one before.
#[cold]
#[inline(never)]
fn why_not(stream: &Stream, written: Sys<()>) -> Errno {
    match written {
        Ok(()) => stream.failure(),
        Err(errno) => {
            stream.remember(errno);
            errno
        }
    }
}

/// The position in the file as ftell(3) tells it: -1, and why in `errno`, if it fails or a write before did.
#[inline]
pub fn tell(stream: &Stream) -> i64 {
    match whole(stream) {
        Ok(()) => stream.position(),
        Err(errno) => {
            errno.set();
            -1
        }
    }
}

/// Ends the file; fails if not all of it could be written. Standard output stays open.
pub fn close(stream: &Stream) -> Sys<()> {
    if stream.is_stdout() {
        return flush(stream);
    }
    let before = whole(stream);
    let closed = stream.close();
    before.and(closed)
}

/// Whether all writes so far have succeeded.
#[inline]
fn whole(stream: &Stream) -> Sys<()> {
    if stream.has_failed() { Err(stream.failure()) } else { Ok(()) }
}
