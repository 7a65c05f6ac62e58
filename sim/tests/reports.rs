//! What a run leaves behind to be looked at: captures whose comments tell what links did, and a report of every
//! scenario.

use std::path::PathBuf;

use rstest::rstest;
use tickwire_sim::Seed;
use tickwire_sim::capture::read_frames;
use tickwire_sim::report::Report;
use tickwire_sim::scenario::{Built, Outcome, Scenario};

fn run(path: &PathBuf) -> (Scenario, Outcome, Built) {
    let scenario: Scenario = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let mut built = scenario.build(&Seed([1; 32])).unwrap();
    built.world.keep_details(true);
    let (outcome, built) = scenario.run_built(built);
    (scenario, outcome, built)
}

fn scenario(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).join(name)
}

/// Every packet that a link dropped, delayed or changed says so, and no other.
#[test]
fn comments_of_captures_tell_what_links_did() {
    let (_, _, built) = run(&scenario("everything-at-once.toml"));
    let mut file = Vec::new();
    built.world.trace().write_capture(&mut file).unwrap();
    let captured = read_frames(&file[..]).unwrap();
    let frames = built.world.trace().frames();
    assert_eq!(captured.frames.len(), frames.len());
    let mut told = [0; 4];
    for (passed, packet) in frames.iter().zip(&captured.frames) {
        let comment = packet.comment.as_deref().unwrap_or_default();
        let fates: Vec<String> = passed.fates.iter().filter(|fate| !fate.is_calm()).map(ToString::to_string).collect();
        assert!(fates.iter().all(|fate| comment.contains(fate.as_str())), "{fates:?} in {comment:?}");
        assert_eq!(comment.contains("link: "), !fates.is_empty(), "{comment:?}");
        for (count, what) in told.iter_mut().zip(["dropped at", "jitter", "duplicate", "inverted"]) {
            *count += usize::from(comment.contains(what));
        }
    }
    assert!(told.iter().all(|count| *count > 10), "{told:?}");
}

/// Whatever the network and its faults are like, the report's links lead somewhere in it, and nowhere else.
#[rstest]
#[case("cut.toml")]
#[case("router.toml")]
#[case("short-connections.toml")]
fn reports_are_whole(#[case] name: &str) {
    let (scenario, outcome, built) = run(&scenario(name));
    let page = Report { scenario: &scenario, seed: "1", outcome: &outcome, built: &built }.html();
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "an id stands twice");
    for target in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let id = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} is outside"));
        assert!(unique.binary_search(&id).is_ok(), "{target} leads nowhere");
    }
    assert!(!page.replace("http://www.w3.org/2000/svg", "").contains("http"));
}
