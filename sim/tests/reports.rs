//! What a run leaves behind to be looked at: captures whose comments tell what links did, and a report of every
//! scenario.

use std::path::PathBuf;

use rstest::rstest;
use tickwire_sim::Seed;
use tickwire_sim::capture::{Direction, read_frames};
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

/// The packet that a comment names as a cause arrived at that host, at the time that is told.
#[rstest]
#[case("everything-at-once.toml", 99)]
#[case("path-mtu.toml", 99)]
#[case("server-restart.toml", 95)]
fn comments_of_captures_name_causes(#[case] name: &str, #[case] least_percent: usize) {
    let (_, _, built) = run(&scenario(name));
    let mut file = Vec::new();
    built.world.trace().write_capture(&mut file).unwrap();
    let captured = read_frames(&file[..]).unwrap();
    let frames = built.world.trace().frames();
    let (mut named, mut unnamed) = (0, 0);
    for (passed, packet) in frames.iter().zip(&captured.frames) {
        let Some((_, cause)) = packet.comment.as_deref().and_then(|comment| comment.split_once("caused by packet "))
        else {
            unnamed += usize::from(packet.comment.as_deref().unwrap_or_default().contains("as the host counts"));
            continue;
        };
        let cause = &frames[cause.split(',').next().unwrap().parse::<usize>().unwrap() - 1];
        let occasion = passed.provenance.unwrap().occasion;
        assert_eq!((cause.port.node, cause.direction), (passed.port.node, Direction::Inbound));
        assert_eq!(cause.at, occasion.at, "frame {}", passed.number);
        named += 1;
    }
    assert!(named * 100 >= (named + unnamed) * least_percent, "{named} named, {unnamed} not");
}

/// Whatever the network and its faults are like, the report's links lead somewhere in it, and nowhere else.
#[rstest]
#[case("cut.toml")]
#[case("router.toml")]
#[case("short-connections.toml")]
#[case("dumbbell.toml")]
#[case("misbehaving-receiver.toml")]
#[case("nat-idle.toml")]
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
