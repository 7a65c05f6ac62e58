//! The tables of RFC 3376 sections 6.4.1 and 6.4.2 (RFC 3810 sections 7.4.1 and 7.4.2), row by row.
//!
//! A group is written as its mode, its group timer in brackets where it has one, and its sources, each with its timer: `0` has
//! none, `old` is what it was, `gmi` runs for the Group Membership Interval from now, `lmqt` for the Last Member
//! Query Time, `timer` for as long as the group timer did before.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use rstest::rstest;

use super::config::QuerierConfig;
use super::*;
use crate::wire::membership::Addresses;

const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(233, 252, 0, 1));
/// When the group came to be what it is, and when it is told of again: its timers are old by then.
const BEFORE: Instant = Instant::from_millis(1_000);
const NOW: Instant = Instant::from_millis(21_000);

fn sources(names: &str) -> Vec<IpAddr> {
    names.bytes().map(|name| IpAddr::from([198, 51, 100, name - b'a' + 1])).collect()
}

fn name(source: &IpAddr) -> char {
    let IpAddr::V4(source) = source else { panic!("IPv4") };
    char::from(b'a' + source.octets()[3] - 1)
}

struct Bench {
    querier: Querier,
    config: QuerierConfig,
    limits: Limits,
}

impl Bench {
    fn new() -> Bench {
        let mut bench = Bench {
            querier: Querier::new(Protocol::Igmp),
            config: QuerierConfig::default(),
            limits: Limits::default(),
        };
        bench.step(BEFORE, |querier, env| querier.speak_from(env, Some(IpAddr::from([192, 0, 2, 2]))));
        bench
    }

    fn step(&mut self, now: Instant, step: impl FnOnce(&mut Querier, &mut Env<'_>)) -> String {
        let mut env = Env {
            now,
            config: &self.config,
            limits: &self.limits,
            queries: Vec::new(),
            groups_refused: 0,
            sources_refused: 0,
            older_queries: 0,
        };
        step(&mut self.querier, &mut env);
        let line = |query: &OutgoingQuery| {
            let names: String = query.sources.iter().map(name).collect();
            let about = if names.is_empty() { String::from("G") } else { format!("G,{names}") };
            format!("Q({about}){}", if query.suppress { " S" } else { "" })
        };
        let of_group: Vec<String> = env.queries.iter().filter(|query| query.group.is_some()).map(line).collect();
        of_group.join(" ")
    }

    fn tell(&mut self, now: Instant, kind: RecordKind, names: &str) -> String {
        self.step(now, |querier, env| querier.tell(env, GROUP, None, kind, &sources(names)))
    }

    /// INCLUDE (A), or EXCLUDE (X, Y) where two sets are given.
    fn begin(&mut self, state: &str) {
        match state.split_once('/') {
            None => self.tell(BEFORE, RecordKind::IsInclude, state),
            Some((wanted, refused)) => {
                self.tell(BEFORE, RecordKind::IsExclude, refused);
                self.tell(BEFORE, RecordKind::Allow, wanted)
            }
        };
    }

    fn state(&self) -> String {
        let Some(group) = self.querier.groups().first() else { return String::from("none") };
        let [gmi, lmqt, old] =
            [NOW + Duration::from_secs(260), NOW + Duration::from_secs(2), BEFORE + Duration::from_secs(260)];
        let timer = |until: Option<Instant>| match until {
            None => "0",
            Some(until) if until == gmi => "gmi",
            Some(until) if until == lmqt => "lmqt",
            Some(until) if until == old => "old",
            Some(until) => panic!("{until}"),
        };
        let mode = match group.exclude_until {
            Some(until) => format!("exclude [{}]", timer(Some(until))),
            None => String::from("include"),
        };
        let parts = group.sources.iter().map(|source| format!("{}:{}", name(&source.address), timer(source.until)));
        core::iter::once(mode).chain(parts).collect::<Vec<_>>().join(" ")
    }
}

/// Section 6.4.1: current-state records make nobody ask.
#[rstest]
#[case::include_is_in("ab", RecordKind::IsInclude, "bc", "include a:old b:gmi c:gmi")]
#[case::include_is_ex("ab", RecordKind::IsExclude, "bc", "exclude [gmi] b:old c:0")]
#[case::exclude_is_in("ab/cd", RecordKind::IsInclude, "bce", "exclude [old] a:old b:gmi c:gmi d:0 e:gmi")]
#[case::exclude_is_ex("ab/cd", RecordKind::IsExclude, "bce", "exclude [gmi] b:old c:0 e:gmi")]
#[case::nothing_is_in("", RecordKind::IsInclude, "a", "include a:gmi")]
#[case::nothing_is_in_nothing("", RecordKind::IsInclude, "", "none")]
#[case::nothing_is_ex("", RecordKind::IsExclude, "a", "exclude [gmi] a:0")]
fn current_state(#[case] before: &str, #[case] kind: RecordKind, #[case] told: &str, #[case] after: &str) {
    let mut bench = Bench::new();
    bench.begin(before);
    assert_eq!(bench.tell(NOW, kind, told), "");
    assert_eq!(bench.state(), after);
}

/// Section 6.4.2: changes, with the queries of section 6.6.3; a timer that is the group's is `old` here.
#[rstest]
#[case::include_allow("ab", RecordKind::Allow, "bc", "include a:old b:gmi c:gmi", "")]
#[case::include_block("ab", RecordKind::Block, "bc", "include a:old b:lmqt", "Q(G,b)")]
#[case::include_to_ex("ab", RecordKind::ToExclude, "bc", "exclude [gmi] b:lmqt c:0", "Q(G,b)")]
#[case::include_to_in("ab", RecordKind::ToInclude, "bc", "include a:lmqt b:gmi c:gmi", "Q(G,a)")]
#[case::include_leave("ab", RecordKind::ToInclude, "", "include a:lmqt b:lmqt", "Q(G,ab)")]
#[case::exclude_allow("ab/cd", RecordKind::Allow, "bce", "exclude [old] a:old b:gmi c:gmi d:0 e:gmi", "")]
#[case::exclude_block("ab/cd", RecordKind::Block, "bce", "exclude [old] a:old b:lmqt c:0 d:0 e:lmqt", "Q(G,be)")]
#[case::exclude_to_ex("ab/cd", RecordKind::ToExclude, "bce", "exclude [gmi] b:lmqt c:0 e:lmqt", "Q(G,be)")]
#[case::exclude_to_in(
    "ab/cd",
    RecordKind::ToInclude,
    "bce",
    "exclude [lmqt] a:lmqt b:gmi c:gmi d:0 e:gmi",
    "Q(G) Q(G,a)"
)]
#[case::exclude_leave("/", RecordKind::ToInclude, "", "exclude [lmqt]", "Q(G)")]
#[case::nothing_block("", RecordKind::Block, "a", "none", "")]
#[case::nothing_allow("", RecordKind::Allow, "a", "include a:gmi", "")]
#[case::nothing_to_ex("", RecordKind::ToExclude, "", "exclude [gmi]", "")]
#[case::nothing_to_in("", RecordKind::ToInclude, "", "none", "")]
fn changes(
    #[case] before: &str,
    #[case] kind: RecordKind,
    #[case] told: &str,
    #[case] after: &str,
    #[case] queries: &str,
) {
    let mut bench = Bench::new();
    bench.begin(before);
    assert_eq!(bench.tell(NOW, kind, told), queries);
    assert_eq!(bench.state(), after);
}

/// Who does not ask lowers nothing either, until the querier does (section 6.6.1).
#[test]
fn who_does_not_ask() {
    let mut bench = Bench::new();
    bench.begin("ab/cd");
    let query = |group, sources| Query {
        version: 3,
        max_response: Duration::from_secs(1),
        group,
        suppress: false,
        robustness: 2,
        interval: Duration::from_secs(125),
        sources,
    };
    let lower = IpAddr::from([192, 0, 2, 1]);
    let general = query(None, Addresses::NONE);
    bench.step(NOW, |querier, env| querier.on_query(env, lower, &general));
    assert_eq!(bench.tell(NOW, RecordKind::ToInclude, "bce"), "");
    assert_eq!(bench.state(), "exclude [old] a:old b:gmi c:gmi d:0 e:gmi");
    let bytes = Addresses::to_bytes(&sources("ad"));
    let specific = query(Some(GROUP), Addresses::new(&bytes, false));
    bench.step(NOW, |querier, env| querier.on_query(env, lower, &specific));
    assert_eq!(bench.state(), "exclude [old] a:lmqt b:gmi c:gmi d:0 e:gmi");
    let suppressed = Query { suppress: true, ..query(Some(GROUP), Addresses::NONE) };
    bench.step(NOW, |querier, env| querier.on_query(env, lower, &suppressed));
    assert_eq!(bench.state(), "exclude [old] a:lmqt b:gmi c:gmi d:0 e:gmi");
    bench.step(NOW, |querier, env| querier.on_query(env, lower, &query(Some(GROUP), Addresses::NONE)));
    assert_eq!(bench.state(), "exclude [lmqt] a:lmqt b:gmi c:gmi d:0 e:gmi");
}

/// Section 6.6.3: what was answered meanwhile is asked again with the S flag, the rest without.
#[test]
fn repetitions() {
    let mut bench = Bench::new();
    bench.begin("abc/");
    assert_eq!(bench.tell(NOW, RecordKind::ToInclude, ""), "Q(G) Q(G,abc)");
    // Somebody still wants two of them, another all.
    bench.tell(NOW, RecordKind::IsInclude, "ab");
    let second = NOW + Duration::from_secs(1);
    let mut kept = Bench { querier: bench.querier.clone(), ..Bench::new() };
    assert_eq!(bench.step(second, Querier::advance), "Q(G) Q(G,ab) S Q(G,c)");
    kept.tell(NOW, RecordKind::IsExclude, "c");
    assert_eq!(kept.step(second, Querier::advance), "Q(G) S Q(G,c)");
    // Section 6.5: the group timer ends, and those who are wanted are all that is left.
    assert_eq!(bench.step(NOW + Duration::from_secs(2), Querier::advance), "");
    assert_eq!(bench.state(), "include a:gmi b:gmi");
    assert_eq!(bench.step(NOW + Duration::from_secs(260), Querier::advance), "");
    assert_eq!(bench.state(), "none");
}

/// Section 6.2.3: in EXCLUDE mode a source whose timer has ended stays, and is not forwarded (section 6.3).
#[test]
fn what_is_wanted() {
    let mut bench = Bench::new();
    bench.begin("ab/cd");
    let wanted = |bench: &Bench| -> String {
        sources("abcde").iter().filter(|source| bench.querier.wants(GROUP, **source)).map(name).collect()
    };
    assert_eq!(wanted(&bench), "abe");
    bench.tell(NOW, RecordKind::IsInclude, "a");
    bench.tell(NOW, RecordKind::Block, "b");
    bench.step(NOW + Duration::from_secs(2), Querier::advance);
    assert_eq!(wanted(&bench), "ae");
    bench.step(BEFORE + Duration::from_secs(260), Querier::advance);
    assert_eq!(wanted(&bench), "a");
    assert!(!bench.querier.wants(IpAddr::from([233, 252, 0, 2]), sources("a")[0]));
}

/// Section 7.3.2: which messages count while older hosts are present.
#[rstest]
#[case::v2_leave(2, RecordKind::ToInclude, "", "exclude [lmqt]", "Q(G)")]
#[case::v2_block(2, RecordKind::Block, "a", "exclude [gmi]", "")]
#[case::v2_to_ex(2, RecordKind::ToExclude, "a", "exclude [gmi]", "")]
#[case::v1_leave(1, RecordKind::ToInclude, "", "exclude [gmi]", "")]
#[case::v1_block(1, RecordKind::Block, "a", "exclude [gmi]", "")]
#[case::v1_to_ex(1, RecordKind::ToExclude, "a", "exclude [gmi]", "")]
fn older_hosts(
    #[case] version: Version,
    #[case] kind: RecordKind,
    #[case] told: &str,
    #[case] after: &str,
    #[case] queries: &str,
) {
    let mut bench = Bench::new();
    bench.step(NOW, |querier, env| querier.on_message(env, GROUP, &Message::Report { version, group: GROUP }));
    assert_eq!(bench.querier.groups()[0].version(3), version);
    assert_eq!(bench.tell(NOW, kind, told), queries);
    assert_eq!(bench.state(), after);
}

/// RFC 3810 section 7.6.2: by the interface identifier alone.
#[test]
fn the_lower_address() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(is_lower(ip("192.0.2.1"), ip("192.0.2.2")) && !is_lower(ip("192.0.2.2"), ip("192.0.2.2")));
    assert!(is_lower(ip("fe80:0:0:9::1"), ip("fe80::2")) && !is_lower(ip("fe80::2"), ip("fe80:0:0:9::1")));
    assert!(!is_lower(ip("fe80::ffff:0:0:1"), ip("fe80::2")), "{}", ip("fe80::ffff:0:0:1").to_string());
}

/// Groups that no router forwards make room for those that are.
#[test]
fn full() {
    let mut bench =
        Bench { limits: Limits { router_groups: 2, router_group_sources: 2, ..Limits::default() }, ..Bench::new() };
    let mut join = |group: [u8; 4]| {
        let mut refused = 0;
        bench.step(NOW, |querier, env| {
            querier.tell(env, IpAddr::from(group), None, RecordKind::ToExclude, &[]);
            refused = env.groups_refused;
        });
        refused
    };
    assert_eq!(
        [[224, 0, 0, 251], [233, 252, 0, 2], [233, 252, 0, 3], [233, 252, 0, 4], [224, 0, 0, 252]].map(&mut join),
        [0, 0, 1, 1, 1]
    );
    let held: Vec<IpAddr> = bench.querier.groups().iter().map(|group| group.address).collect();
    assert_eq!(held, [IpAddr::from([233, 252, 0, 2]), IpAddr::from([233, 252, 0, 3])]);
    let mut refused = 0;
    bench.step(NOW, |querier, env| {
        querier.tell(env, IpAddr::from([233, 252, 0, 2]), None, RecordKind::Allow, &sources("abc"));
        refused = env.sources_refused;
    });
    assert_eq!(refused, 1);
}
