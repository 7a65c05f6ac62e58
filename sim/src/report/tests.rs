use std::collections::BTreeSet;

use rstest::rstest;

use super::matter::Matter;
use super::{Report, page};
use crate::oracle::{Mark, Oracle, Verdict};
use crate::scenario::{Built, Outcome, Scenario};
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
    let flows = super::flow::flows(&built.world);
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
#[case("partition link 0 Both")]
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
    let page = page::page(&Matter::with_verdicts(&report, told));
    let targets: BTreeSet<&str> = values(&page, "id=\"").into_iter().collect();
    let links = values(&page, "href=\"#");
    assert!(links.iter().all(|link| targets.contains(link)), "{links:?}");
    let expected: BTreeSet<String> = [frames / 3, 9, frames / 2, 7].map(|number| format!("frame-{number}")).into();
    let to_frames = links.iter().filter(|link| link.starts_with("frame-")).copied();
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
