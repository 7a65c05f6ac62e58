//! `--interactive`: forward and back through a recording by commands, one a line.

use std::io::{BufRead, Write as _};

use super::super::run::write_out;
use super::{FileReplay, summary, time};
use crate::replay::{Describer, ReplayError, describe_stack};
use tickwire_core::Instant;

const HELP: &str = "\
  next [N]   make the next N calls (n; an empty line is the last command again)
  back [N]   go back N calls (b)
  call N     go to where call N is next
  at TIME    go to before the first call after TIME, as in 3.217s
  frame      go on until a frame has come or gone (f)
  state      print the stack (s)
  where      print the place (w)
  quit       leave (q)
";

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Next(u64),
    Back(u64),
    Call(u64),
    At(Instant),
    Frame,
    State,
    Where,
    Help,
    Quit,
}

fn parse(line: &str) -> Result<Order, String> {
    let mut words = line.split_whitespace();
    let (name, argument) = (words.next().unwrap_or_default(), words.next());
    let count = || argument.unwrap_or("1").parse::<u64>().map_err(|_| "right would be a number of calls".to_owned());
    let order = match name {
        "next" | "n" => Order::Next(count()?),
        "back" | "b" => Order::Back(count()?),
        "call" | "c" => Order::Call(count()?),
        "at" | "a" => Order::At(time(argument.unwrap_or_default())?),
        "frame" | "f" => Order::Frame,
        "state" | "s" => Order::State,
        "where" | "w" => Order::Where,
        "help" | "h" | "?" => Order::Help,
        "quit" | "q" => Order::Quit,
        other => return Err(format!("no command \"{other}\"; `help` lists them")),
    };
    if words.next().is_some() { Err("one argument at the most; `help` lists them".to_owned()) } else { Ok(order) }
}

/// Obeys commands until `quit` or the end of `input`.
pub(super) fn converse(replay: &mut FileReplay, mut input: impl BufRead) -> Result<(), String> {
    let mut describer = Describer::default();
    let (mut line, mut last) = (String::new(), Order::Next(1));
    loop {
        write_out(&format!("#{} {}> ", replay.calls(), replay.stack().latest()))?;
        std::io::stdout().flush().map_err(|error| format!("cannot write to standard output: {error}"))?;
        line.clear();
        if input.read_line(&mut line).map_err(|error| format!("cannot read the command: {error}"))? == 0 {
            return write_out("\n");
        }
        let order = if line.trim().is_empty() { Ok(last) } else { parse(&line) };
        let text = match order {
            Ok(Order::Quit) => return Ok(()),
            Ok(order) => {
                last = order;
                obey(replay, &mut describer, order).unwrap_or_else(|error| format!("{error}\n"))
            }
            Err(wrong) => format!("{wrong}\n"),
        };
        write_out(&text)?;
    }
}

fn obey(replay: &mut FileReplay, describer: &mut Describer, order: Order) -> Result<String, ReplayError> {
    match order {
        Order::Next(count) => forward(replay, describer, |made, _| made >= count),
        Order::Frame => forward(replay, describer, |_, has_frame| has_frame),
        Order::Back(count) => move_to(replay, replay.calls().saturating_sub(count)),
        Order::Call(call) => move_to(replay, call),
        Order::At(at) => {
            if replay.stack().latest() > at {
                replay.go_to(0)?;
            }
            while replay.next_instant().is_none_or(|next| next <= at) && replay.step()?.is_some() {}
            Ok(summary(replay))
        }
        Order::State => Ok(describe_stack(replay.stack())),
        Order::Where => Ok(summary(replay)),
        Order::Help => Ok(HELP.to_owned()),
        Order::Quit => Ok(String::new()),
    }
}

fn move_to(replay: &mut FileReplay, call: u64) -> Result<String, ReplayError> {
    replay.go_to(call)?;
    Ok(summary(replay))
}

/// Makes calls until `is_enough` of their number, and of whether the last had to do with a frame.
fn forward(
    replay: &mut FileReplay,
    describer: &mut Describer,
    is_enough: impl Fn(u64, bool) -> bool,
) -> Result<String, ReplayError> {
    let (mut text, mut made) = (String::new(), 0);
    while !is_enough(made, false) {
        let Some(step) = replay.step()? else { return Ok(text + &summary(replay)) };
        made += 1;
        text += &describer.lines(replay, &step);
        let is_frame = matches!(step.call, tickwire_core::record::Call::HandleFrame { .. });
        if is_enough(made, is_frame || !step.emitted.is_empty()) {
            break;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        assert_eq!(parse("n"), Ok(Order::Next(1)));
        assert_eq!(parse("next 12\n"), Ok(Order::Next(12)));
        assert_eq!(parse("b 3"), Ok(Order::Back(3)));
        assert_eq!(parse("at 1.5s"), Ok(Order::At(Instant::from_millis(1500))));
        for wrong in ["x", "next x", "at", "at x", "next 1 2"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
