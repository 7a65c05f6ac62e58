use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;

use super::Report;
use crate::link::Fate;
use crate::oracle::{Mark, Oracle, Verdict};
use crate::scenario::{Built, Outcome, Scenario};
use crate::trace::{Passed, Trace};
use crate::{Failure, Seed};

/// A short download with every third frame lost, for a while.
const LOSSY: &str = r#"
title = "A short <download>"
heal = "10s"

[[host]]
name = "server"
interfaces = [["192.0.2.1/24"]]

[[host]]
name = "client"
interfaces = [["192.0.2.2/24"]]

[[link]]
name = "cable"
ends = ["client", "server"]
path.both = [
    { rate = { bps = "10Mbit/s", room = "50frames" } },
    { loss.bernoulli = "5%" },
    { delay.law.constant = "5ms" },
]

[[fault]]
at = "100ms"
what = "cut"
link = "cable"
lasts = "2s"

[[flow]]
from = "client"
to = "server"
response = "200KiB"
"#;

fn run(text: &str) -> (Scenario, Outcome, Built) {
    let scenario: Scenario = text.parse().unwrap();
    let mut built = scenario.build(&Seed([1; 32])).unwrap();
    built.world.keep_details(true);
    let (outcome, built) = scenario.run_built(built);
    (scenario, outcome, built)
}

fn html(text: &str) -> String {
    let (scenario, outcome, built) = run(text);
    Report { scenario: &scenario, seed: "1", outcome: &outcome, built: &built }.html()
}

#[test]
fn what_flows_came_to_is_told() {
    let page = html(LOSSY);
    for part in ["goodput", "client → server: ", "cable towards client: ", "of the time in use", "of segments"] {
        assert!(page.contains(part), "{part}");
    }
}

/// What follows each `before`, up to a quotation mark.
fn values<'a>(page: &'a str, before: &str) -> Vec<&'a str> {
    page.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_page_refers_to_nothing_outside() {
    let page = html(LOSSY).replace("http://www.w3.org/2000/svg", "");
    assert!(!page.contains("http"));
    assert!(!page.contains("url(") || values(&page, "url(").iter().all(|target| target.starts_with('#')));
    assert!(values(&page, "href=\"").iter().all(|target| target.starts_with('#')));
    assert_eq!(values(&page, "src=\""), Vec::<&str>::new());
}

#[test]
fn the_same_run_has_the_same_page() {
    assert_eq!(html(LOSSY), html(LOSSY));
}

#[test]
fn every_frame_has_its_row() {
    let (scenario, outcome, built) = run(LOSSY);
    let page = Report { scenario: &scenario, seed: "1", outcome: &outcome, built: &built }.html();
    let rows: BTreeSet<&str> = values(&page, "id=\"frame-").into_iter().collect();
    let numbers: BTreeSet<String> =
        built.world.trace().frames().iter().map(|passed| passed.number.to_string()).collect();
    assert!(numbers.len() > 300);
    assert_eq!(rows, numbers.iter().map(String::as_str).collect());
}

/// Keeping what the page shows changes nothing that happens.
#[test]
fn details_leave_the_run_as_it_is() {
    let (scenario, outcome, _) = run(LOSSY);
    assert_eq!(outcome, scenario.run(&Seed([1; 32])));
}

/// Nothing was sent beyond the window offered, which the graphs show: at both ends, the one that opened the
/// connection and the one that listened.
#[test]
fn windows_are_scaled_at_both_ends() {
    let (_, _, built) = run(LOSSY);
    let flows = super::flow::flows(built.world.trace(), &built.world.hosts().collect::<Vec<_>>(), &BTreeMap::new());
    assert_eq!(flows.len(), 2);
    for flow in &flows {
        for sent in &flow.sent {
            let edges = flow.heard.iter().filter(|heard| heard.at <= sent.at).map(|heard| heard.edge);
            let edge = edges.max().unwrap();
            assert!(sent.end <= edge + 1, "{} > {}: frame {} beyond {edge}", flow.from, flow.to, sent.number);
        }
    }
}

/// All that the run had is drawn: retransmissions, losses, faults, the congestion window, queues and states.
#[rstest]
#[case("sent again")]
#[case("dropped on its way")]
#[case("selectively acknowledged (SACK)")]
#[case("edge of the window offered")]
#[case("cwnd")]
#[case("ssthresh")]
#[case("SRTT")]
#[case("waiting to be sent (queue)")]
#[case("ESTABLISHED from ")]
#[case("dropped: random loss")]
#[case("dropped: partition")]
#[case("cable is cut both ways")]
#[case("A short &lt;download&gt;")]
#[case("cause: ")]
fn the_page_shows(#[case] what: &str) {
    assert!(html(LOSSY).contains(what), "{what} is missing");
}

/// A verdict about a frame, made up.
fn verdict(number: u64, earlier: u64, built: &Built) -> (String, Verdict) {
    let frames = built.world.trace().frames();
    let mark = |number: u64| Mark::new(number, frames[number as usize].at);
    let verdict = Verdict {
        oracle: Oracle::RightEdge,
        flow: None,
        frame: mark(number),
        line: "> . 1:1(0) ack 101 win 400".to_owned(),
        earlier: Some(mark(earlier)),
        expected: "a right edge of at least 601".to_owned(),
        found: "501".to_owned(),
    };
    ("server".to_owned(), verdict)
}

#[rstest]
#[case::of_a_short_run("200KiB")]
#[case::of_a_run_that_is_not_shown_whole("4MiB")]
fn verdicts_lead_to_their_frames_and_back(#[case] response: &str) {
    let (scenario, mut outcome, built) = run(&LOSSY.replace("200KiB", response));
    let frames = built.world.trace().count();
    let told = vec![verdict(frames / 2, 7, &built), verdict(frames / 3, 9, &built)];
    outcome.failures = told
        .iter()
        .map(|(host, verdict)| crate::scenario::Failed {
            oracle: verdict.oracle.to_string(),
            signature: String::new(),
            text: Failure::Oracle { host: host.clone(), verdict: verdict.clone() }.to_string(),
        })
        .collect();
    let report = Report { scenario: &scenario, seed: "1", outcome: &outcome, built: &built };
    let page = report.with_verdicts(told, &[]);
    let targets: BTreeSet<&str> = values(&page, "id=\"").into_iter().collect();
    let links = values(&page, "href=\"#");
    assert!(links.iter().all(|link| targets.contains(link)), "{links:?}");
    let expected: BTreeSet<String> = [frames / 3, 9, frames / 2, 7].map(|number| format!("frame-{number}")).into();
    let (verdicts, _) = page.split_once("id=\"network\"").unwrap();
    let to_frames = values(verdicts, "href=\"#").into_iter().filter(|link| link.starts_with("frame-"));
    assert_eq!(to_frames.collect::<BTreeSet<_>>(), expected.iter().map(String::as_str).collect());
    // Told once: not as a failure of unknown place as well.
    assert_eq!(page.matches("a right edge of at least 601").count(), 2);
    for back in ["verdict-1", "verdict-2"] {
        assert!(links.contains(&back), "no link to {back}");
    }
}

#[test]
fn what_is_left_out_is_told() {
    let page = html(&LOSSY.replace("200KiB", "4MiB"));
    assert!(values(&page, "id=\"frame-").len() <= super::ROWS_MAX);
    assert!(page.contains("frames left out"));
    assert!(page.contains("at most 2,000 are shown"));
}

/// The same hosts, with a switch between them whose queue towards the client is short.
fn switched() -> String {
    let (before, after) = LOSSY.split_once("[[link]]").unwrap();
    let (_, after) = after.split_once("[[flow]]").unwrap();
    format!(
        r#"{before}
[[switch]]
name = "switch"
ports = 2

[[link]]
name = "up"
ends = ["server", "switch.0"]
path.preset = "lan"

[[link]]
name = "down"
ends = ["switch.1", "client"]
path.both = [{{ rate = {{ bps = "10Mbit/s", room = "20frames" }} }}, {{ delay.law.constant = "5ms" }}]

[[flow]]{after}"#
    )
}

/// A switch's rows would tell of every frame twice more; what it drops is there, and arrows lead from host to host.
#[test]
fn what_switches_pass_on_has_no_rows() {
    let (scenario, outcome, built) = run(&switched());
    let page = Report { scenario: &scenario, seed: "1", outcome: &outcome, built: &built }.html();
    let rows: BTreeSet<&str> = values(&page, "id=\"frame-").into_iter().collect();
    let trace = built.world.trace();
    let switch = trace.nodes().iter().position(|name| name == "switch").unwrap();
    let (at_switch, at_hosts): (Vec<_>, Vec<_>) =
        trace.frames().iter().partition(|passed| passed.port.node.index() == switch);
    let dropped: Vec<_> =
        at_switch.iter().filter(|passed| !passed.fates.is_empty() && passed.fates[0].is_fault()).collect();
    assert!(dropped.len() > 3 && at_switch.len() > 10 * dropped.len());
    let expected = at_hosts.iter().chain(dropped.iter().copied()).map(|passed| passed.number.to_string());
    let expected: BTreeSet<String> = expected.collect();
    assert_eq!(rows, expected.iter().map(String::as_str).collect());
    // Each of the others is led to by a whole arrow: none begins halfway between the columns.
    let columns = [240, 410, 580].map(|x| x.to_string());
    let (_, ladder) = page.split_once("id=\"frames\"").unwrap();
    let (ladder, _) = ladder.split_once("id=\"oracles\"").unwrap();
    for from in values(ladder, "x1=\"") {
        assert!(columns.iter().any(|x| x == from), "{from}");
    }
}

#[test]
fn losses_beyond_the_first_link_are_marked() {
    let (_, _, built) = run(&switched());
    let hosts: Vec<_> = built.world.hosts().collect();
    let flows = super::flow::flows(built.world.trace(), &hosts, &BTreeMap::new());
    let lost: usize = flows.iter().map(super::flow::Flow::losses).sum();
    let links = built.world.links().map(|(link, _)| link);
    let dropped: u64 =
        links.flat_map(|link| built.world.link_counters(link).map(crate::link::Counters::dropped_total)).sum();
    assert!(lost > 3);
    assert_eq!(lost as u64, dropped);
}

/// Where each segment passes one link only, it is lost if that drops its own frame: what is sent again after its first
/// transmission has arrived, and is dropped then, leaves that one as it was.
#[test]
fn a_segment_is_lost_if_its_own_frame_was() {
    let (_, _, built) = run(&LOSSY.replace("{ loss.bernoulli = \"5%\" },", ""));
    let (trace, hosts) = (built.world.trace(), built.world.hosts().collect::<Vec<_>>());
    let (mut lost, mut lost_again) = (0, 0);
    for sent in super::flow::flows(trace, &hosts, &BTreeMap::new()).iter().flat_map(|flow| &flow.sent) {
        let dropped = !trace.frames()[sent.number as usize].fates.is_empty();
        assert_eq!(sent.lost, dropped, "frame {}, from byte {}", sent.number, sent.seq);
        lost += u32::from(sent.lost);
        lost_again += u32::from(sent.lost && sent.again);
    }
    assert!(lost > 3 && lost_again > 0, "{lost} lost, {lost_again} of them sent again");
}

/// Where acknowledgments overtake each other.
#[test]
fn what_is_acknowledged_stays_so() {
    let (_, _, built) = run(include_str!("../../scenarios/everything-at-once.toml"));
    let hosts: Vec<_> = built.world.hosts().collect();
    for flow in super::flow::flows(built.world.trace(), &hosts, &BTreeMap::new()) {
        assert!(flow.heard.len() > 1_000 && flow.heard.is_sorted_by_key(|heard| heard.ack), "{}", flow.from);
    }
}

/// An acknowledgment of the request waits at the switch until the response, which begins at its number, has left; then
/// it is dropped.
#[test]
fn a_lost_acknowledgment_is_no_lost_text() {
    let lost = "path.a-to-b = [{ loss.matching = { pattern = \"pure-ack\", ordinals = [1] } }, { rate";
    let text = switched().replace("path.both = [{ rate", lost).replace("200KiB", "1KiB\"\nrequest = \"12KiB");
    let (_, _, built) = run(&text);
    let frames = built.world.trace().frames().iter();
    let (late, others): (Vec<_>, Vec<_>) = frames.partition(|passed| passed.fates.iter().any(Fate::is_fault));
    let mut trace = Trace::default();
    for passed in others.into_iter().chain(late) {
        trace.pass(|number| Passed { number, ..passed.clone() });
    }
    let (last, hosts) = (trace.frames().last().unwrap(), built.world.hosts().collect::<Vec<_>>());
    let acknowledgment = crate::segment::tcp_segment(&last.frame).unwrap().segment;
    assert!(last.fates.iter().any(Fate::is_fault) && acknowledgment.seg_len() == 0);
    let flows = super::flow::flows(&trace, &hosts, &BTreeMap::new());
    let response = flows.iter().find(|flow| flow.from.port() == 7000).unwrap();
    assert_eq!((response.text_len(), response.losses()), (1_024, 0));
}

/// Of a flow the expectation about which was not met the frames are named, and lead to their rows.
#[test]
fn failures_lead_to_the_frames_of_their_flow() {
    let page = html(&LOSSY.replace("response =", "within = \"1ms\"\nresponse ="));
    let (_, failed) = page.split_once("flow 0: expected its last byte within 1ms").unwrap();
    let (failed, _) = failed.split_once("</div>").unwrap();
    let links = values(failed, "href=\"#frame-");
    assert_eq!(links.len(), 4);
    for (what, link) in ["first at client", "last at client", "first at server", "last at server"].iter().zip(links) {
        assert!(failed.contains(what), "{what}");
        assert!(page.contains(&format!("id=\"frame-{link}\"")), "{link}");
    }
    assert!(page.contains("1 failure<"));
}

/// A node that is no host says what it is, and its addresses.
#[rstest]
#[case::dhcp(include_str!("../../scenarios/dhcp-renewal.toml"), &["DHCP server", "192.0.2.1"])]
#[case::nat(include_str!("../../scenarios/nat-idle.toml"), &["NAT"])]
#[case::adversary(include_str!("../../scenarios/misbehaving-receiver.toml"), &["ack-divider"])]
fn nodes_say_what_they_are(#[case] text: &str, #[case] told: &[&str]) {
    let page = html(text);
    let (_, drawing) = page.split_once("class=\"topology\"").unwrap();
    let (drawing, _) = drawing.split_once("</svg>").unwrap();
    for part in told {
        assert!(drawing.contains(part), "{part}");
    }
}

#[test]
fn a_request_of_one_segment_has_no_graph() {
    let page = html(LOSSY);
    assert_eq!(values(&page, "<article id=\"").len(), 1);
    assert_eq!(page.matches("sent by server").count(), 1);
}

#[test]
fn causes_are_frames_of_the_page() {
    let page = html(LOSSY);
    let causes = page.split("cause: frame ").skip(1).map(|rest| rest.split(',').next().unwrap_or_default());
    let causes: Vec<&str> = causes.collect();
    assert!(causes.len() > 50);
    for cause in causes {
        assert!(page.contains(&format!("id=\"frame-{cause}\"")), "{cause}");
    }
}

/// The first recovery begins before the segment was sent for the first time, and ends after all that had been sent
/// when it was sent again was acknowledged.
#[test]
fn the_first_recovery_is_enlarged() {
    let (scenario, outcome, built) = run(&LOSSY.replace("200KiB", "4MiB"));
    let page = Report { scenario: &scenario, seed: "1", outcome: &outcome, built: &built }.html();
    assert_eq!(page.matches("The first recovery, enlarged").count(), 2, "a caption, and a name");
    let hosts: Vec<_> = built.world.hosts().collect();
    let flows = super::flow::flows(built.world.trace(), &hosts, &BTreeMap::new());
    let flow = flows.iter().max_by_key(|flow| flow.highest).unwrap();
    let (from, to) = super::sequence::first_recovery(flow).unwrap();
    let again = flow.sent.iter().find(|sent| sent.again).unwrap();
    let before = flow.sent.iter().find(|sent| sent.seq == again.seq).unwrap();
    assert!(from <= before.at && before.at < again.at && again.at < to);
    let recover = flow.sent.iter().filter(|sent| sent.at < again.at).map(|sent| sent.end).max().unwrap();
    assert!(flow.heard.iter().any(|heard| heard.ack >= recover && heard.at <= to));
    assert!(flow.heard.iter().all(|heard| heard.ack < recover || heard.at > again.at));
}
