//! What the report of a recording says of a stack that does something wrong.

use std::net::SocketAddr;

use bytes::Bytes;
use tickwire_backends::recording::Reader;
use tickwire_sim::replay::Replay;
use tickwire_sim::report::Recorded;

use super::pair::{connected, recorded, transfer, v4};

/// The time to live of the first packet of IPv4 after ten frames have left is changed, and its checksum is not.
#[test]
fn verdicts_lead_to_their_frames() {
    let [_, east] = recorded(|west, east| {
        let (client, server) = connected(west, east, SocketAddr::new(v4(2), 9));
        transfer(&client, &server, 100_000);
        transfer(&server, &client, 1_000_000);
    });
    let mut replay = Replay::examining(Reader::open(&east.recording.0).expect("written"));
    let (mut report, mut sent, mut wrong) = (Recorded::default(), 0, None);
    while let Some(mut step) = replay.step().expect("it is answered as it was") {
        let first = replay.stack().next_serial() - step.emitted.len() as u64;
        for (number, frame) in (first..).zip(&mut step.emitted) {
            sent += 1;
            if sent > 10 && wrong.is_none() && frame.data[12..14] == [8, 0] {
                let mut data = frame.data.to_vec();
                data[14 + 8] ^= 1;
                (frame.data, wrong) = (Bytes::from(data), Some(number));
            }
        }
        report.add(&replay, &step);
    }
    let page = report.html("A checksum", &replay);
    let wrong = wrong.expect("more frames were sent");
    assert!(page.contains("1 failure<"), "one, and no more");
    let (_, verdict) = page.split_once("id=\"verdict-1\"").expect("it is told");
    assert!(verdict.contains("V1: checksums"), "{}", &verdict[..200]);
    assert!(verdict.contains(&format!("href=\"#frame-{wrong}\"")) && page.contains(&format!("id=\"frame-{wrong}\"")));
    assert!(page.contains("href=\"#verdict-1\""), "and back");
}
