//! Applications on a host: which there are, who is woken by what, and what each may use while it runs.

use std::collections::{BTreeMap, BTreeSet};

use tickwire_core::socket::{ListenerHandle, TcpHandle, UdpHandle};
use tickwire_core::{Event, Instant, Stack};

use crate::oracle::Switches;
use crate::script::{Progress, Script, Step};
use crate::workload::{Client, ClientPlan, Ledger, Server, ServerPlan, Sink, SinkPlan, Source, SourcePlan};
use crate::world::HostId;

/// What an application does, as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Steps, one after the other.
    Script(Vec<Step>),
    /// The client of a TCP workload.
    Client(ClientPlan),
    /// The server of a TCP workload.
    Server(ServerPlan),
    /// The sender of a UDP workload.
    Source(SourcePlan),
    /// The receiver of a UDP workload.
    Sink(SinkPlan),
}

impl From<Vec<Step>> for Program {
    fn from(steps: Vec<Step>) -> Program {
        Program::Script(steps)
    }
}

/// An application that runs on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApplicationId {
    pub(crate) host: HostId,
    pub(crate) index: usize,
}

impl ApplicationId {
    /// The host that it runs on.
    pub const fn host(self) -> HostId {
        self.host
    }
}

/// A socket of either kind, as events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Socket {
    Listener(ListenerHandle),
    Tcp(TcpHandle),
    Udp(UdpHandle),
}

/// Who is to run: an application, and the socket on whose account; `None`: its own.
type Wake = (usize, Option<Socket>);

#[derive(Clone, Debug)]
enum Application {
    Script(Script),
    Client(Client),
    Server(Server),
    Source(Source),
    Sink(Sink),
}

impl Application {
    fn new(program: Program) -> Application {
        match program {
            Program::Script(steps) => Application::Script(Script::new(steps)),
            Program::Client(plan) => Application::Client(Client::new(plan)),
            Program::Server(plan) => Application::Server(Server::new(plan)),
            Program::Source(plan) => Application::Source(Source::new(plan)),
            Program::Sink(plan) => Application::Sink(Sink::new(plan)),
        }
    }

    fn crash(&mut self) {
        match self {
            Application::Script(script) => script.crash(),
            Application::Client(client) => client.crash(),
            Application::Server(server) => server.crash(),
            Application::Source(source) => source.crash(),
            Application::Sink(sink) => sink.crash(),
        }
    }

    fn ledger(&self) -> Option<&Ledger> {
        match self {
            Application::Script(_) => None,
            Application::Client(client) => Some(&client.ledger),
            Application::Server(server) => Some(&server.ledger),
            Application::Source(source) => Some(&source.ledger),
            Application::Sink(sink) => Some(&sink.ledger),
        }
    }

    /// How many broken rules its ledger holds.
    fn findings(&self) -> usize {
        self.ledger().map_or(0, |ledger| ledger.findings.len())
    }

    fn ledger_mut(&mut self) -> Option<&mut Ledger> {
        match self {
            Application::Script(_) => None,
            Application::Client(client) => Some(&mut client.ledger),
            Application::Server(server) => Some(&mut server.ledger),
            Application::Source(source) => Some(&mut source.ledger),
            Application::Sink(sink) => Some(&mut sink.ledger),
        }
    }
}

/// What an application may use while it runs.
pub(crate) struct Scope<'a> {
    pub(crate) stack: &'a mut Stack,
    /// What the host's clock shows.
    pub(crate) now: Instant,
    /// What the world's does: for what is told of the run, and never to the application.
    pub(crate) world: Instant,
    me: usize,
    owners: &'a mut BTreeMap<Socket, usize>,
    sleeping: &'a mut BTreeSet<(Instant, Wake)>,
}

impl Scope<'_> {
    /// From now on events of this socket wake the application.
    pub(crate) fn own(&mut self, socket: Socket) {
        self.owners.insert(socket, self.me);
    }

    /// From now on they don't.
    pub(crate) fn disown(&mut self, socket: Socket) {
        self.owners.remove(&socket);
    }

    /// Has the application woken at a time, on a socket's account or its own.
    pub(crate) fn wake_at(&mut self, at: Instant, socket: Option<Socket>) {
        self.sleeping.insert((at, (self.me, socket)));
    }
}

/// The applications of a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applications {
    running: Vec<Application>,
    /// Whose socket is whose.
    owners: BTreeMap<Socket, usize>,
    runnable: BTreeSet<Wake>,
    /// Who waits for a time.
    sleeping: BTreeSet<(Instant, Wake)>,
    /// Scripts that could not go on: application, step, what happened.
    failures: Vec<(usize, usize, String)>,
    /// Broken rules that nobody has asked for yet: application, place in its ledger.
    findings: Vec<(usize, usize)>,
}

impl Applications {
    /// A place for an application that is still to begin.
    pub(crate) fn announce(&mut self) -> usize {
        self.running.push(Application::new(Program::Script(Vec::new())));
        self.running.len() - 1
    }

    /// Begins what was announced; with `crashed` its host is down.
    pub(crate) fn begin(&mut self, index: usize, program: Program, switches: Switches, crashed: bool) {
        let mut application = Application::new(program);
        if let Some(ledger) = application.ledger_mut() {
            ledger.switches = switches;
        }
        if crashed {
            application.crash();
        } else {
            self.runnable.insert((index, None));
        }
        self.running[index] = application;
    }

    /// The host has crashed: sockets are gone, and scripts with them.
    pub(crate) fn crash(&mut self) {
        self.running.iter_mut().for_each(Application::crash);
        self.owners.clear();
        self.runnable.clear();
        self.sleeping.clear();
    }

    /// The host is up again: workloads begin again.
    pub(crate) fn restart(&mut self) {
        self.runnable.extend((0..self.running.len()).map(|index| (index, None)));
    }

    /// Lets everybody run who has a reason to, at `now` by the host's clock and `world` by the world's. The stack's
    /// events are added to `events`.
    pub(crate) fn run(&mut self, stack: &mut Stack, now: Instant, world: Instant, events: &mut Vec<Event>) {
        while let Some((_, wake)) = self.sleeping.first().filter(|(at, _)| *at <= now) {
            self.runnable.insert(*wake);
            self.sleeping.pop_first();
        }
        self.route_events(stack, events);
        while let Some((index, socket)) = self.runnable.pop_first() {
            let before = self.running[index].findings();
            let Applications { owners, sleeping, .. } = self;
            let mut scope = Scope { stack, now, world, me: index, owners, sleeping };
            match &mut self.running[index] {
                Application::Script(script) => {
                    if let Some(failure) = run_script(script, &mut scope) {
                        self.failures.push((index, script.step, failure));
                    }
                }
                Application::Client(client) => client.advance(socket, &mut scope),
                Application::Server(server) => server.advance(socket, &mut scope),
                Application::Source(source) => source.advance(&mut scope),
                Application::Sink(sink) => sink.advance(&mut scope),
            }
            self.findings.extend((before..self.running[index].findings()).map(|place| (index, place)));
            self.route_events(stack, events);
        }
    }

    /// Takes the stack's events: they wake those whose sockets they are about.
    pub(crate) fn route_events(&mut self, stack: &mut Stack, events: &mut Vec<Event>) {
        while let Some(event) = stack.poll_event() {
            events.push(event);
            let socket = match event {
                Event::Tcp(handle, _) => Socket::Tcp(handle),
                Event::Listener(handle) => Socket::Listener(handle),
                Event::Udp(handle, _) => Socket::Udp(handle),
                // Who waits for an address of its own may go on.
                Event::Address { .. } => {
                    self.runnable.extend((0..self.running.len()).map(|index| (index, None)));
                    continue;
                }
                Event::Configuration(_) => continue,
            };
            // A connection that nobody has accepted yet has no owner, nor has a released one.
            self.runnable.extend(self.owners.get(&socket).map(|owner| (*owner, Some(socket))));
        }
    }

    /// When somebody is to run although nothing has happened.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        self.sleeping.first().map(|(at, _)| *at)
    }

    /// Ends all workloads: connections that are left are reset, nothing is opened or accepted any more.
    pub(crate) fn stop(&mut self, stack: &mut Stack, now: Instant, world: Instant) {
        let Applications { owners, sleeping, findings, .. } = self;
        for (me, application) in self.running.iter_mut().enumerate() {
            let before = application.findings();
            let mut scope = Scope { stack, now, world, me, owners, sleeping };
            match application {
                Application::Script(_) => {}
                Application::Client(client) => client.stop(&mut scope),
                Application::Server(server) => server.stop(&mut scope),
                Application::Source(source) => source.stop(&mut scope),
                Application::Sink(sink) => sink.stop(&mut scope),
            }
            findings.extend((before..application.findings()).map(|place| (me, place)));
        }
    }

    /// The broken rules that were found since this was last asked: application, place in its ledger.
    pub(crate) fn findings(&mut self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.findings.drain(..)
    }

    /// Whether clients and sources have done all that they were to do.
    pub(crate) fn is_done(&self) -> bool {
        self.running.iter().all(|application| match application {
            Application::Script(script) => script.current().is_none(),
            Application::Client(client) => client.is_done(),
            Application::Source(source) => source.is_done(),
            Application::Server(server) => server.live.is_empty(),
            Application::Sink(_) => true,
        })
    }

    pub(crate) fn ledger(&self, index: usize) -> Option<&Ledger> {
        self.running.get(index)?.ledger()
    }

    /// Which oracles judge from now on.
    pub(crate) fn switch(&mut self, switches: Switches) {
        for ledger in self.running.iter_mut().filter_map(Application::ledger_mut) {
            ledger.switches = switches;
        }
    }

    /// Scripts that could not go on, and the step that each was at.
    pub(crate) fn failures(&self) -> &[(usize, usize, String)] {
        &self.failures
    }

    /// Scripts that have neither finished nor failed, and the step that each is at.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = (usize, usize, String)> + '_ {
        let failed = |index| self.failures.iter().any(|(failed, ..)| *failed == index);
        self.running.iter().enumerate().filter_map(move |(index, application)| {
            let Application::Script(script) = application else { return None };
            let step = script.current()?;
            (!failed(index)).then(|| (index, script.step, format!("{step}: still waiting")))
        })
    }
}

/// Runs a script as far as it gets. Returns why it cannot go on, if so.
fn run_script(script: &mut Script, scope: &mut Scope<'_>) -> Option<String> {
    let before = script.socket;
    let progress = script.advance(scope.stack, scope.now);
    if let Some(socket) = before {
        scope.disown(socket);
    }
    match progress {
        Progress::Done => return None,
        Progress::Failed(what) => return Some(what),
        Progress::Until(at) => scope.wake_at(at, None),
        Progress::Blocked => {}
    }
    if let Some(socket) = script.socket {
        scope.own(socket);
    }
    None
}
