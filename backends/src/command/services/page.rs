//! The page: counters as they stand when it is asked for, renewed each second by the browser.

use std::fmt::Write as _;

use tickwire_backends::driver::Context;
use tickwire_core::{Instant, Medium, Stack};

use crate::command::figures::grouped;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tickwire</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --soft: #888; --accent: #2a7de1 }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem }
  h1 { font-size: 2rem; margin: 0 } h1 b { color: var(--accent) }
  h2 { font-size: 1rem; margin: 2rem 0 .5rem; color: var(--soft); font-weight: 600 }
  p { margin: .25rem 0 } .soft { color: var(--soft) }
  .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 2rem 0 }
  .tiles div { border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem }
  .tiles b { display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums }
  table { border-collapse: collapse; width: 100% }
  td { border-top: 1px solid var(--line); padding: .25rem 0 }
  td + td { text-align: right; font-variant-numeric: tabular-nums }
</style>
"#;

/// Puts the page's own next version in its place, so that the numbers need no second renderer.
const RENEW: &str = r#"<script>
  setInterval(async () => {
    const text = await (await fetch("/")).text();
    const next = new DOMParser().parseFromString(text, "text/html").querySelector("main");
    document.querySelector("main").replaceWith(next);
  }, 1000);
</script>
"#;

/// The whole page.
pub(super) fn render(context: &Context<'_>, pages: u64) -> String {
    let stack = &*context.stack;
    let mut html = String::with_capacity(8 * 1024);
    html.push_str(HEAD);
    html.push_str("<main>\n<h1><b>tick</b>wire</h1>\n");
    html.push_str("<p>This page came through a TCP/IP stack that is a pure state machine, not through a kernel's.\n");
    paragraph_of_addresses(&mut html, stack);
    tiles(&mut html, context, pages);
    let counters: Vec<_> = stack.counters().filter(|(_, count)| *count > 0).collect();
    table(&mut html, "Counters", counters);
    let drops: Vec<_> = stack.drops().filter(|(_, count)| *count > 0).map(|(why, count)| (why.name(), count)).collect();
    table(&mut html, "Dropped, by reason", drops);
    html.push_str("<p class=soft><a href=/stats>as JSON</a>\n</main>\n");
    html.push_str(RENEW);
    html
}

// Writing to a string cannot fail.

fn paragraph_of_addresses(html: &mut String, stack: &Stack) {
    let outward = stack.interfaces().filter(|interface| interface.medium != Medium::Loopback);
    let addresses = outward.flat_map(|i| i.addresses.iter());
    let addresses: Vec<String> = addresses.map(|own| format!("{}/{}", own.address, own.prefix_len)).collect();
    let _ = writeln!(html, "<p class=soft>{}", addresses.join(" &middot; "));
}

fn tiles(html: &mut String, context: &Context<'_>, pages: u64) {
    let stack = &*context.stack;
    let count = |name: &str| stack.counters().find(|(other, _)| *other == name).map_or(0, |(_, count)| count);
    let tiles = [
        ("up", uptime(context.now)),
        ("frames received", grouped(count("frames.received"))),
        ("frames sent", grouped(count("frames.sent"))),
        ("connections", grouped(stack.tcp_sockets().count() as u64)),
        ("pages served", grouped(pages)),
    ];
    html.push_str("<div class=tiles>\n");
    for (name, value) in tiles {
        let _ = writeln!(html, "<div><b>{value}</b><span class=soft>{name}</span></div>");
    }
    html.push_str("</div>\n");
}

fn table(html: &mut String, title: &str, rows: Vec<(&'static str, u64)>) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(html, "<h2>{title}</h2>\n<table>");
    for (name, value) in rows {
        let _ = writeln!(html, "<tr><td>{name}<td>{}", grouped(value));
    }
    html.push_str("</table>\n");
}

fn uptime(now: Instant) -> String {
    let seconds = now.since(Instant::ZERO).as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told() {
        assert_eq!(uptime(Instant::from_millis(3_661_900)), "1:01:01");
    }
}
