use rstest::rstest;

use super::*;
use crate::draw::{Entity, Name, Purpose};
use crate::scenario::{FaultSpec, Flow, HostSpec, What};
use crate::swarm;

/// Two hosts on a link that spoils text and mends the checksum.
const ON_A_LINK: &str = r#"
title = "text is spoiled between two hosts"
heal = "1s"

[[host]]
name = "client"
interfaces = [["10.0.0.1/16"]]

[[host]]
name = "server"
interfaces = [["10.0.0.2/16"]]

[[link]]
name = "cable"
ends = ["client", "server"]
path = { both = [{ delay.law.constant = "10ms" }], b-to-a = [{ corrupt.keep-checksum = "20%" }] }

[[flow]]
from = "client"
to = "server"
response = "64KiB"
within = "1ms"
expect = "any"
"#;

/// Two hosts and a router; each link is told from its far end, and both of its directions are alike.
const BEHIND_A_ROUTER: &str = r#"
title = "two links that lose frames"
heal = "5s"

[[host]]
name = "client"
interfaces = [["10.1.0.1/16"]]
gateways = ["10.1.0.254"]

[[host]]
name = "server"
interfaces = [["10.0.0.1/16"]]
gateways = ["10.0.0.254"]

[[host]]
name = "router"
interfaces = [["10.0.0.254/16"], ["10.1.0.254/16"]]
router = true

[[link]]
name = "near"
ends = ["router.0", "server"]
path = { both = [{ loss.bernoulli = "1%" }] }

[[link]]
name = "far"
ends = ["client", "router.1"]
path = { both = [{ delay.law.constant = "10ms" }, { loss.bernoulli = "1%" }] }

[[flow]]
from = "client"
to = "server"
"#;

/// Text that is changed on the way, in a network with much else.
fn spoiled() -> Scenario {
    let text = include_str!("../../scenarios/everything-at-once.toml");
    let mut scenario: Scenario = text.replace("corrupt.break-checksum", "corrupt.keep-checksum").parse().unwrap();
    let mut fault = FaultSpec::new(Duration::from_secs(1), What::Pause);
    (fault.host, fault.lasts) = (Some("client".to_owned()), Some(Duration::from_millis(10)));
    scenario.fault.push(fault);
    scenario
}

/// What is left is what does it; and it is found again by whoever reads it from a file.
#[test]
fn what_does_not_matter_goes() {
    let (scenario, seed) = (spoiled(), swarm::seed(1));
    let is_it = |failed: &Failed| failed.oracle == "stream-bytes";
    let (noticed, _) = scenario.until(&seed, Patience::ENDLESS, is_it).unwrap();
    let shrunk = shrink(&scenario, &seed, &noticed.failed).unwrap();
    assert_eq!(shrunk.before, noticed);
    assert!(shrunk.scenario.fault.is_empty(), "{}", shrunk.scenario);
    // ARP, the handshake, and text that is spoiled: both draws of it are on the tape.
    assert!(shrunk.after.frames <= 8, "{} frames\n{}", shrunk.after.frames, shrunk.scenario);
    assert!(shrunk.scenario.tape.as_ref().is_some_and(|tape| tape.len() <= 2), "{}", shrunk.scenario);
    assert!(shrunk.runs <= RUNS_MAX);
    let read: Scenario = shrunk.scenario.to_string().parse().unwrap();
    assert_eq!(read, shrunk.scenario);
    assert_eq!(read.first_failure(&seed), Some(shrunk.after.clone()));
    assert!(read.run(&seed).failures.contains(&shrunk.after.failed));
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let scenario: Scenario = include_str!("../../scenarios/download.toml").parse().unwrap();
    let target = Failed { oracle: "window".to_owned(), signature: String::new(), text: String::new() };
    assert!(shrink(&scenario, &swarm::seed(1), &target).is_none());
}

#[test]
fn what_cannot_be_built_is_said_to_be_wrong() {
    let mut scenario = Scenario::empty("");
    scenario.host.push(HostSpec::new("a", Vec::new()));
    scenario.flow.push(Flow::new("a", "nobody"));
    let failed = failure(&scenario, &swarm::seed(1)).unwrap();
    let told = (failed.oracle.as_str(), failed.text.as_str());
    assert_eq!(told, ("scenario", "flow.0.to: there is no host \"nobody\"; there are a"));
}

/// No step saves a frame of none: what is only good if it does is not taken.
#[test]
fn what_fails_without_a_frame_is_left_alone() {
    let host = |name, address| format!("[[host]]\nname = \"{name}\"\ninterfaces = [[\"{address}/24\"]]\n");
    let expected = "title = \"t\"\nheal = \"1s\"\n[expect.counters.a]\n\"tcp.window_probes\" = \">= 1\"\n";
    let hosts = host("a", "10.0.0.1") + &host("b", "10.0.0.2");
    let text = format!("{expected}{hosts}[[link]]\nname = \"l\"\nends = [\"a\", \"b\"]\n");
    let (scenario, seed) = (text.parse::<Scenario>().unwrap(), swarm::seed(1));
    let shrunk = shrink(&scenario, &seed, &failure(&scenario, &seed).unwrap()).unwrap();
    assert_eq!((shrunk.before.frames, shrunk.after.frames), (0, 0));
    let [host] = &shrunk.scenario.host[..] else { panic!("{}", shrunk.scenario) };
    assert!(host.options.is_empty() && shrunk.scenario.link.is_empty(), "{}", shrunk.scenario);
    assert!(shrunk.runs < 100, "{} runs", shrunk.runs);
}

/// Without the router both links are one, from the server to the client: each of its ways leads through what the two
/// had on that way, and draws are those of the same stages.
#[rstest]
#[case::near_to_the_server((0, true, 0), (false, 2))]
#[case::near_from_the_server((0, false, 0), (true, 0))]
#[case::far_to_the_server((1, true, 1), (false, 1))]
#[case::far_from_the_server((1, false, 1), (true, 2))]
fn draws_follow_when_links_become_one(
    #[case] (link, toward_b, stage): (u32, bool, u8),
    #[case] (joined_toward_b, joined_stage): (bool, u8),
) {
    let scenario: Scenario = BEHIND_A_ROUTER.parse().unwrap();
    let tape = |entity| -> Tape { [(Name { entity, purpose: Purpose::Loss, n: 3 }, 1)].into() };
    let drawn = tape(Entity::Link { link, toward_b, stage });
    let mut steps = smaller::steps(&scenario, Some(&drawn), Steps::Plain);
    let smaller = steps.find(|smaller| smaller.link.iter().any(|link| link.ends == ["server", "client"])).unwrap();
    assert_eq!(smaller.tape, Some(tape(Entity::Link { link: 0, toward_b: joined_toward_b, stage: joined_stage })));
    assert!(smaller.build(&swarm::seed(1)).is_ok());
}

/// What is wrong in other words is pursued, not what else is wrong in them and comes first.
#[test]
fn one_bug_in_other_words_does_not_turn_into_another() {
    let (scenario, seed) = (ON_A_LINK.parse::<Scenario>().unwrap(), swarm::seed(1));
    let told = scenario.run(&seed);
    let wrong = metamorphic::failures(&metamorphic::compare(&scenario, &told, &seed), &told);
    let target = &wrong[0];
    let (_, variant) = metamorphic::variants(&scenario).swap_remove(0);
    let first = variant.first_failure(&seed).unwrap().failed;
    let named = |failed: &Failed| format!("with other ports: {}: {}", failed.oracle, failed.signature);
    assert_ne!(named(&first), target.signature);
    assert_eq!(named(&shrink(&scenario, &seed, target).unwrap().after.failed), target.signature);
}

/// Neither a single run nor a pair of them goes beyond what there is.
#[rstest]
#[case::runs("stream-bytes", "", 1)]
#[case::pairs("metamorphic", "with other ports applications see something else", 2)]
fn no_budget_is_overrun(#[case] oracle: &str, #[case] signature: &str, #[case] of: u32) {
    let (scenario, seed) = (ON_A_LINK.parse::<Scenario>().unwrap(), swarm::seed(1));
    let target = Failed { oracle: oracle.to_owned(), signature: signature.to_owned(), text: String::new() };
    let pursuit = || Pursuit::new(&scenario, &seed, &target);
    assert_eq!(pursuit().runs(), of);
    for runs in of..of * 12 {
        let budget = Budget { runs, time: Instant::now() + TIME_MAX };
        let mut hunt = Hunt { pursuit: pursuit(), runs: of, budget };
        let noticed = Noticed { failed: target.clone(), frames: 100, nanos: 0 };
        descend(&mut hunt, &mut Best { scenario: scenario.clone(), noticed, drawn: Tape::new() });
        assert!(hunt.runs <= runs, "{} runs instead of {runs}", hunt.runs);
    }
}

/// A run that would take long is not gone to its end when there is no time left, in other words neither.
#[rstest]
#[case::a_run("stream-end", "")]
#[case::two_runs("determinism", "two runs differ")]
#[case::in_other_words("metamorphic", "with other ports applications see something else")]
fn patience_ends_during_a_run(#[case] oracle: &str, #[case] signature: &str) {
    let mut scenario: Scenario = ON_A_LINK.parse().unwrap();
    scenario.flow[0].response = 1 << 30;
    scenario.link[0].path = crate::link::Link::default();
    let seed = swarm::seed(1);
    let target = Failed { oracle: oracle.to_owned(), signature: signature.to_owned(), text: String::new() };
    let began = Instant::now();
    for patience in [Patience { time: Some(began), ..Patience::ENDLESS }, Patience { frames: 100, time: None }] {
        assert!(Pursuit::new(&scenario, &seed, &target).fails(&scenario, patience).is_none());
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// What matters at the end of a stream matters at the end of a short one: the last acknowledgment that arrives twice is
/// answered with a reset, for its connection is gone (RFC 9293 section 3.10.7.1).
#[test]
fn the_end_of_a_stream_comes_early() {
    let expected = "[expect.counters.server]\n\"tcp.resets_sent\" = \"<= 0\"\n\n[[host]]";
    let text = ON_A_LINK.replace("corrupt.keep-checksum = \"20%\"", "duplicate = \"1%\"").replace("b-to-a", "a-to-b");
    let text = text.replace("response = \"64KiB\"\nwithin = \"1ms\"", "request = \"200KiB\"");
    let mut scenario: Scenario = text.replacen("[[host]]", expected, 1).parse().unwrap();
    let seed = swarm::seed(1);
    let entity = Entity::Link { link: 0, toward_b: true, stage: 1 };
    // 142 segments of text, ARP and the handshake come before.
    let target = (140..150).find_map(|n| {
        scenario.tape = Some([(Name { entity, purpose: Purpose::Duplicate, n }, 1)].into());
        failure(&scenario, &seed)
    });
    let shrunk = shrink(&scenario, &seed, &target.unwrap()).unwrap();
    assert!(shrunk.before.frames > 150, "{}", shrunk.before.frames);
    // ARP, the handshake, two segments and two FINs, with their acknowledgments.
    assert!(shrunk.after.frames <= 12, "{} frames\n{}", shrunk.after.frames, shrunk.scenario);
}
