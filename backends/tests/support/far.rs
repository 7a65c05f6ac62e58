//! A host of the kernel's: a thread in a network namespace of its own, which is gone when the thread ends.

use std::sync::mpsc;
use std::thread;

use tickwire_backends::net_setup::{Ip, enter_network_namespace};

/// A job for the host's thread.
type Job = Box<dyn FnOnce() + Send>;

/// The host; its namespace goes away with it.
pub(crate) struct Far {
    jobs: mpsc::Sender<Job>,
    tid: String,
}

impl Far {
    /// A host without a link.
    pub(crate) fn new() -> Far {
        let (jobs, work) = mpsc::channel::<Job>();
        let (told, tid) = mpsc::channel();
        thread::spawn(move || {
            enter_network_namespace().expect("root");
            told.send(rustix::thread::gettid()).expect("waited for");
            while let Ok(job) = work.recv() {
                job();
            }
        });
        let tid = tid.recv().expect("the thread is there").as_raw_nonzero().to_string();
        Far { jobs, tid }
    }

    /// Lays a cable to it: `here` in the caller's namespace, `there` in the host's. Both are down.
    pub(crate) fn connect(&self, ip: Ip, here: &str, there: &str) {
        ip.run(&["link", "add", here, "type", "veth", "peer", "name", there]).expect("root");
        ip.run(&["link", "set", "dev", there, "netns", &self.tid]).expect("root");
    }

    /// Runs `job` on the host and returns what it makes.
    pub(crate) fn call<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> R {
        let (result, wanted) = mpsc::channel();
        self.jobs.send(Box::new(move || result.send(job()).expect("waited for"))).expect("the thread is there");
        wanted.recv().expect("the job ended")
    }
}
