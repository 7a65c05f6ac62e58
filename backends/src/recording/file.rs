//! The file of a recording that is written. What comes is gathered to whole blocks, which go to the disk past
//! the page cache (`O_DIRECT`, open(2)): nobody reads them soon, and new pages for them would cost several
//! times what the rest of a recording does. The end, which is no whole block yet, goes the usual way.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// Bytes that are written at once.
const BLOCK: usize = 1 << 20;
/// What direct writes want of memory and places: a page, which every disk's sector goes into.
const ALIGNMENT: usize = 4096;

pub(super) struct RecordFile {
    file: File,
    /// A pipe or a device gets everything as it comes.
    is_regular: bool,
    /// Not every file system can.
    direct_works: bool,
    is_direct: bool,
    /// Where in the file the block begins that is gathered.
    offset: u64,
    /// The block, from the first aligned byte on.
    block: Vec<u8>,
    aligned: usize,
    gathered: usize,
    /// How much of it is in the file already.
    flushed: usize,
}

impl RecordFile {
    /// A new file, or an old one emptied, that nobody but its owner reads.
    pub(super) fn create(path: &Path) -> io::Result<RecordFile> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let is_regular = file.metadata()?.is_file();
        // The mode of a file that was there before is what it was; a pipe or a device is somebody else's.
        if is_regular {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        let block = vec![0; BLOCK + ALIGNMENT];
        let aligned = block.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Ok(RecordFile {
            file,
            is_regular,
            direct_works: true,
            is_direct: false,
            offset: 0,
            block,
            aligned,
            gathered: 0,
            flushed: 0,
        })
    }

    /// Takes more; it may be in the file only after [`RecordFile::flush`].
    pub(super) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if !self.is_regular {
            return self.file.write_all(bytes);
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.gathered));
            let at = self.aligned + self.gathered;
            self.block[at..at + now.len()].copy_from_slice(now);
            self.gathered += now.len();
            bytes = later;
            if self.gathered == BLOCK {
                self.write_block()?;
            }
        }
        Ok(())
    }

    /// Writes what was gathered so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.flushed < self.gathered {
            self.set_direct(false)?;
            let fresh = &self.block[self.aligned + self.flushed..self.aligned + self.gathered];
            self.file.write_all_at(fresh, self.offset + self.flushed as u64)?;
            self.flushed = self.gathered;
        }
        Ok(())
    }

    fn write_block(&mut self) -> io::Result<()> {
        self.set_direct(self.direct_works)?;
        let written = self.file.write_all_at(self.whole_block(), self.offset);
        match written {
            Err(error) if self.is_direct && is_invalid(&error) => {
                self.direct_works = false;
                self.set_direct(false)?;
                self.file.write_all_at(self.whole_block(), self.offset)?;
            }
            written => written?,
        }
        self.offset += BLOCK as u64;
        (self.gathered, self.flushed) = (0, 0);
        Ok(())
    }

    fn whole_block(&self) -> &[u8] {
        &self.block[self.aligned..self.aligned + BLOCK]
    }

    fn set_direct(&mut self, direct: bool) -> io::Result<()> {
        if self.is_direct == direct {
            return Ok(());
        }
        let mut flags = fcntl_getfl(&self.file)?;
        flags.set(OFlags::DIRECT, direct);
        match fcntl_setfl(&self.file, flags) {
            Ok(()) => self.is_direct = direct,
            Err(Errno::INVAL) if direct => self.direct_works = false,
            Err(errno) => return Err(errno.into()),
        }
        Ok(())
    }
}

fn is_invalid(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In pieces of any length, flushed now and then: the file has it all in order, and no byte more.
    #[test]
    fn pieces_make_a_whole() {
        let folders = [std::env::temp_dir(), "/dev/shm".into(), ".".into()];
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            let path = folder.join(format!("tickwire-pieces-{}", std::process::id()));
            let mut file = RecordFile::create(&path).expect("a file");
            let mut expected = Vec::new();
            for (number, len) in
                [1, 4095, 4096, 100_003, BLOCK, 3 * BLOCK + 1, 0, 77, BLOCK - 1].into_iter().enumerate()
            {
                let piece: Vec<u8> = (0..len).map(|at| (at * 31 + number) as u8).collect();
                file.append(&piece).expect("room");
                expected.extend_from_slice(&piece);
                if number % 2 == 0 {
                    file.flush().expect("room");
                    assert!(std::fs::read(&path).expect("it is there") == expected, "{number}");
                }
            }
            file.flush().expect("room");
            let read = std::fs::read(&path).expect("it is there");
            std::fs::remove_file(&path).expect("ours");
            assert!(read == expected);
        }
    }
}
