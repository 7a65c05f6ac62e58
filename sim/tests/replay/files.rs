//! Files that end too early, that are damaged, of another version, and not this stack's.

use std::fs;
use std::io::Cursor;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use tickwire_backends::recording::{PREFACE_LEN, ReadError, Reader, Record, Recording, VERSION, write_records};
use tickwire_core::record::{Call, Entry, Outcome};
use tickwire_sim::replay::{End, Replay, ReplayError};

use super::pair::{connected, exchange, recorded, transfer, v4};
use super::support::TempFile;

/// A short recording.
fn bytes() -> Vec<u8> {
    let [west, _] = recorded(|west, east| {
        let (client, server) = connected(west, east, SocketAddr::new(v4(2), 9));
        exchange(&client, &server, 20);
        transfer(&client, &server, 40_000);
    });
    fs::read(&west.recording.0).expect("written")
}

fn records(bytes: &[u8]) -> (Reader<Cursor<&[u8]>>, Vec<Record>) {
    let mut reader = Reader::new(Cursor::new(bytes)).expect("a recording");
    let mut records = vec![Record::Start(Box::new(reader.start().clone()))];
    while let Some(record) = reader.next_record().expect("whole") {
        records.push(record);
    }
    (reader, records)
}

/// How far `bytes` can be played.
fn play(bytes: &[u8]) -> Result<(u64, End), ReplayError> {
    let mut replay = Replay::new(Reader::new(Cursor::new(bytes))?);
    while replay.step()?.is_some() {}
    Ok((replay.calls(), replay.end().expect("played to its end")))
}

/// Where each record begins, and how many calls are whole before it.
fn borders(bytes: &[u8]) -> Vec<(usize, u64)> {
    let mut reader = Reader::new(Cursor::new(bytes)).expect("a recording");
    let mut calls = 0;
    let mut borders = Vec::new();
    loop {
        borders.push((reader.position().at as usize, calls));
        match reader.next_record().expect("whole") {
            Some(record) => calls += u64::from(matches!(record, Record::Entry(Entry::Call(_)))),
            None => return borders,
        }
    }
}

/// Wherever a file is cut, all that is whole is played, and it is said where the cut is.
#[test]
fn a_file_cut_anywhere_is_played_up_to_the_cut() {
    let bytes = bytes();
    let borders = borders(&bytes);
    assert!(borders.len() > 200, "{} records", borders.len());
    // Behind the end record it is whole.
    for (number, pair) in borders.windows(2).enumerate() {
        let [(start, calls), (end, _)] = pair else { unreachable!() };
        let (len, calls) = (end - start, *calls);
        assert_eq!(play(&bytes[..*start]).expect("a cut is no error").0, calls);
        let between = End::Cut { within: None, len: None };
        assert_eq!(play(&bytes[..*start]).expect("a cut is no error").1, between);
        for inside in [1, 11, 12, 13, len / 2, len - 1] {
            if !(1..len).contains(&inside) || (number % 7 != 0 && inside != len / 2) {
                continue;
            }
            let (played, end) = play(&bytes[..start + inside]).expect("a cut is no error");
            let End::Cut { within: Some(position), len: Some(cut_at) } = end else { panic!("{end:?}") };
            assert_eq!((played, position.at as usize, cut_at as usize), (calls, *start, start + inside));
        }
    }
    assert_eq!(play(&bytes).expect("whole").1, End::Whole);
}

/// A byte that another one took the place of is damage, never a cut, wherever it is.
#[test]
fn a_damaged_byte_is_told_from_a_cut() {
    let whole = bytes();
    let borders = borders(&whole);
    let (first, last) = (borders[0].0, whole.len());
    for at in (first..last).step_by(97).chain([first, first + 3, first + 5, first + 9, last - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let (start, calls) = *borders.iter().rfind(|(start, _)| *start <= at).expect("the first");
        match play(&bytes) {
            Err(ReplayError::Read(ReadError::Damaged { at: damaged, .. })) => assert_eq!(damaged as usize, start),
            other => panic!("byte {at}: {other:?}"),
        }
        let mut replay = Replay::new(Reader::new(Cursor::new(&bytes[..])).expect("the start is whole"));
        while let Ok(Some(_)) = replay.step() {}
        assert_eq!(replay.calls(), calls, "all before it is played");
    }
}

#[test]
fn another_version_and_other_files_are_refused() {
    let mut bytes = bytes();
    bytes[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    let refused = Reader::new(Cursor::new(&bytes[..])).expect_err("another version").to_string();
    let (other, ours) = (VERSION + 1, VERSION);
    let program = env!("CARGO_PKG_VERSION");
    assert_eq!(
        refused,
        format!(
            "a recording of format {other}, made by tickwire {program}; this program reads format {ours} only: \
             right would be the tickwire-sim of the same version"
        )
    );
    for other in [&b""[..], b"tick", &[0; 500], &bytes[..PREFACE_LEN - 1]] {
        assert!(matches!(Reader::new(Cursor::new(other)), Err(ReadError::NotARecording)));
    }
}

/// Only the owner reads it, also where there was a file that all could read.
#[test]
fn a_recording_is_private() {
    let file = TempFile::new("private.twr");
    for _ in 0..2 {
        let (recording, writer) = Recording::create(&file.0, |_| {}).expect("a file");
        let mode = || fs::metadata(&file.0).expect("it is there").permissions().mode();
        assert_eq!(mode() & 0o7777, 0o600);
        drop(recording);
        writer.finish().expect("written");
        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o644)).expect("ours");
    }
}

/// What is played is compared: another frame, a call less, another outcome are all noticed, and named.
#[test]
fn the_first_call_that_is_answered_otherwise_is_named() {
    let bytes = bytes();
    let (_, records) = records(&bytes);
    let is_frame = |record: &Record| matches!(record, Record::Entry(Entry::Call(Call::HandleFrame { .. })));
    let is_emission = |record: &Record| matches!(record, Record::Entry(Entry::Outcome(Outcome::Emitted(_))));
    let frames: Vec<usize> = (0..records.len()).filter(|at| is_frame(&records[*at])).collect();
    let call_number = |at: usize| {
        records[..at].iter().filter(|record| matches!(record, Record::Entry(Entry::Call(_)))).count() as u64
    };
    let diverges = |records: &[Record]| {
        let mut bytes = Vec::new();
        write_records(&mut bytes, records).expect("memory");
        match play(&bytes) {
            Err(ReplayError::Diverged(divergence)) => *divergence,
            other => panic!("{other:?}"),
        }
    };
    // The peer's SYN-ACK is missing.
    let mut fewer = records.clone();
    let missing = frames[1];
    fewer.remove(missing);
    assert!(diverges(&fewer).number >= call_number(missing));
    // An outcome that never was.
    let emission = (0..records.len()).rfind(|at| is_emission(&records[*at])).expect("frames left");
    let mut other = records.clone();
    let Record::Entry(Entry::Outcome(Outcome::Emitted(emitted))) = &mut other[emission] else { unreachable!() };
    emitted.digest ^= 1;
    let divergence = diverges(&other);
    assert_eq!(divergence.number + 1, call_number(emission));
    let text = divergence.to_string();
    assert!(text.starts_with(&format!("call {}, at ", divergence.number)), "{text}");
    assert!(text.contains("PollTransmit") && text.contains(": recorded is emitted "), "{text}");
    // Another state at the end.
    let mut other = records.clone();
    let Some(Record::End { digest }) = other.last_mut() else { unreachable!() };
    *digest ^= 1;
    let text = diverges(&other).to_string();
    assert!(text.contains("its digest was"), "{text}");
}
