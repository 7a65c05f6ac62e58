//! `tickwire-sim replay`, as it is typed.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use super::pair::{connected, recorded, transfer, v4};
use super::support::{Recorded, TempFile, captured};

fn small() -> Recorded {
    let [_, east] = recorded(|west, east| {
        let (client, server) = connected(west, east, SocketAddr::new(v4(2), 9));
        transfer(&client, &server, 100_000);
    });
    east
}

fn replay(recorded: &Recorded, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickwire-sim"));
    command.arg("replay").arg(&recorded.recording.0).args(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("it is built");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"");
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn it_plays_a_recording_and_writes_its_frames() {
    let recorded = small();
    let again = TempFile::new("again.pcapng");
    let said = text(&replay(&recorded, &["--pcap", again.text(), "--json"], ""));
    let calls = recorded.summary.calls;
    assert!(said.starts_with(&format!("call {calls} at ")), "{said}");
    assert!(said.contains(" s: the end; every call was answered as recorded\n{"), "{said}");
    assert!(said.contains("\"tcp_states\""), "{said}");
    assert_eq!(captured(&again.0).frames, captured(&recorded.capture.0).frames);
}

/// What a page refers to within itself, and where that is.
fn links_and_ids(page: &str) -> (Vec<&str>, Vec<&str>) {
    let after = |before: &'static str| page.split(before).skip(1).filter_map(|rest| rest.split('"').next());
    (after("href=\"").collect(), after(" id=\"").collect())
}

/// The report has a row for each frame, graphs of what was sent and of what was received, the connection's states, the
/// calls, and what the oracles say: that nothing is wrong.
#[test]
fn it_writes_a_report() {
    let [_, recorded] = recorded(|west, east| {
        let (client, server) = connected(west, east, SocketAddr::new(v4(2), 9));
        transfer(&client, &server, 1_000_000);
        transfer(&server, &client, 1_000_000);
    });
    let page = TempFile::new("run.html");
    text(&replay(&recorded, &["--report", page.text()], ""));
    let page = std::fs::read_to_string(&page.0).expect("written");
    let (links, ids) = links_and_ids(&page);
    assert!(links.iter().all(|link| ids.contains(&&link[1..])), "{links:?}");
    assert!(!page.replace("http://www.w3.org/2000/svg", "").contains("http"));
    let frames = captured(&recorded.capture.0).frames.len();
    assert_eq!(ids.iter().filter(|id| id.starts_with("frame-")).count(), frames.min(2_000));
    for part in [
        "all as it should be",
        "192.0.2.1:",
        "sent by stack",
        "cwnd",
        "ESTABLISHED from ",
        "TcpListen { local: 192.0.2.2:9",
        "ack-monotone",
        "The stack where the replay stops",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

/// The moment at which the connection is there: its state shows it, and the calls before do not.
#[test]
fn it_stops_anywhere_and_shows_the_stack() {
    let recorded = small();
    let all = text(&replay(&recorded, &["--calls"], ""));
    let syn = all.lines().find(|line| line.contains("tcp S 0:0(0)")).expect("a SYN came");
    let mut words = syn.split(' ');
    let (number, at) = (words.next().expect("#").trim_start_matches('#'), words.next().expect("a time"));
    assert!(syn.contains(" mem") || syn.contains(" pair") || syn.contains(" < "), "{syn}");
    let before = text(&replay(&recorded, &["--call", number, "--state"], ""));
    assert!(before.contains("\ntcp listener 192.0.2.2:9\n") && !before.contains("SYN-RECEIVED"), "{before}");
    let then = text(&replay(&recorded, &["--at", &format!("{at}s"), "--state"], ""));
    let connection = then.lines().find(|line| line.starts_with("tcp 192.0.2.2:9 > 192.0.2.1:")).expect("it is there");
    assert!(connection.ends_with(" SYN-RECEIVED"), "{connection}");
    assert!(then.contains("  cwnd ") && then.contains("\ndigest "), "{then}");
    let back = text(&replay(&recorded, &["--at", &format!("{at}s"), "--back", "1000000", "--state"], ""));
    assert!(back.starts_with("call 0 at 0.000000000 s\n") && !back.contains("interface 0"), "{back}");
    let late = text(&replay(&recorded, &["--calls", "--from", &format!("{at}s")], ""));
    assert!(late.len() < all.len() && all.ends_with(&late), "the last calls only");
}

#[test]
fn commands_go_forward_and_back() {
    let recorded = small();
    let calls = recorded.summary.calls;
    let said = text(&replay(&recorded, &["--back", "2", "-i"], "n\n\nb 2\nstate\nframe\nbogus\nat 0.0s\nq\n"));
    let prompts: Vec<_> = said.lines().filter(|line| line.starts_with('#')).collect();
    assert!(said.starts_with(&format!("call {} at ", calls - 2)), "{said}");
    assert!(prompts[0].starts_with(&format!("#{} ", calls - 2)), "{said}");
    assert!(said.contains("every call was answered as recorded"), "{said}");
    assert!(said.contains("\ndigest "), "{said}");
    assert!(said.contains("no command \"bogus\"; `help` lists them"), "{said}");
    assert!(said.contains("> call 0 at ") || said.contains("call 1 at ") || said.contains("#0 "), "{said}");
}

#[test]
fn mistakes_are_answered_with_what_would_be_right() {
    let recorded = small();
    let output = replay(&recorded, &["--at", "soon"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("right would be a time as in 3.217s"), "{said}");
    std::fs::write(&recorded.recording.0, "something else").expect("ours");
    let output = replay(&recorded, &[], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.ends_with(": not a recording of tickwire\n"), "{said}");
}
