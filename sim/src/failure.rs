//! What went wrong in a run.

use std::fmt;

use crate::application::ApplicationId;
use crate::oracle::Verdict;
use crate::workload::Finding;

/// Something that should not have happened, or has not happened and should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A script could not go on, or has not finished.
    Script {
        /// Which script.
        application: ApplicationId,
        /// The number of the step, from 0.
        step: usize,
        /// What the step was to do, and what happened instead.
        what: String,
    },
    /// An application found a rule broken.
    Application {
        /// Which application.
        application: ApplicationId,
        /// The rule, and what was found.
        finding: Finding,
    },
    /// A program ended with an error.
    Program {
        /// The host's name.
        host: String,
        /// The program's number on its host, from 0.
        number: usize,
        /// The error.
        what: String,
    },
    /// A host broke a rule.
    Oracle {
        /// The host's name.
        host: String,
        /// The rule, and the frame that broke it, numbered as in the trace.
        verdict: Verdict,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Script { step, what, .. } => write!(f, "step {step}: {what}"),
            Failure::Application { finding: Finding { oracle, at, what }, .. } => write!(f, "{oracle} at {at}: {what}"),
            Failure::Program { host, number, what } => write!(f, "{host}: program {number}: {what}"),
            Failure::Oracle { host, verdict } => write!(f, "{host}: {verdict}"),
        }
    }
}
