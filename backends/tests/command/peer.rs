//! Servers of others, which the command is tested against.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{PATIENCE, Running};

pub(crate) fn requires_peers() -> bool {
    std::env::var_os("TICKWIRE_REQUIRE_PEERS").is_some_and(|value| value == "1")
}

/// A folder of one test's own, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("tickwire-peer-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder of this test's own");
        Folder(folder)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server, until dropped; ended by its process id.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a program, what it says to a log in `folder`; `None` if there is none of that name.
    pub(crate) fn start(folder: &Folder, program: &str, arguments: &[&str]) -> Option<Server> {
        let log = folder.path("log");
        let output = fs::File::create(&log).expect("a file of this test's own");
        let spawned = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::from(output)).spawn();
        match spawned {
            Ok(mut child) => {
                thread::sleep(Duration::from_millis(300));
                if let Some(status) = child.try_wait().expect("it is ours") {
                    panic!("{program} ended with {status}: {}", fs::read_to_string(&log).unwrap_or_default());
                }
                Some(Server(child))
            }
            Err(error) if requires_peers() => panic!("{program} is required: {error}"),
            Err(error) => {
                println!("skipped: cannot run {program}: {error}");
                None
            }
        }
    }
}

impl Server {
    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("it runs");
        self.0.wait().expect("it is ours");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Statistics, as they are now.
pub(crate) fn stats(running: &Running, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let _ = fs::remove_file(path);
        running.signal(Signal::USR1);
        thread::sleep(Duration::from_millis(100));
        let text = fs::read_to_string(path).unwrap_or_default();
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if !value.is_null() && holds(&value) {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "not so in time: {text}");
    }
}

/// The addresses in a `ready` line.
pub(crate) fn addresses(ready: &str) -> Vec<IpAddr> {
    ready.split(' ').filter_map(|word| word.split_once('/')?.0.parse().ok()).collect()
}
