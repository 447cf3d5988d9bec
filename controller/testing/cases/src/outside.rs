//! Stands in place of the world outside: answers as the case says, and remembers what it was asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use xos_steps::{
    BusEvent, Outside, OutsideAnswer, OutsideCall, OutsideCommand, OutsideReply, OutsideRequest, OutsideResult,
    StepError,
};
use xos_testing::TestClock;

use crate::answers::{Answers, bytes, call, command};
use crate::spec::{Answer, OutcomeWord};

/// What was asked of the world outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Request(OutsideRequest),
    Command(OutsideCommand),
    Call(OutsideCall),
}

impl Asked {
    /// Returns it on one line.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Request(request) => format!("{} {}", request.method, request.url),
            Self::Command(asked) => command(&asked.words),
            Self::Call(asked) => call(asked),
        }
    }
}

/// The world outside of a case.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    state: Arc<Mutex<State>>,
    clock: TestClock,
}

#[derive(Debug, Default)]
struct State {
    answers: Answers,
    asked: Vec<Asked>,
    unanswered: Vec<String>,
}

impl Backend {
    pub(crate) fn new(clock: &TestClock) -> Self {
        Self { state: Arc::default(), clock: clock.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds answers, which count before those that are there.
    pub(crate) fn answers(&self, answers: &[Answer]) {
        self.state().answers.add(answers);
    }

    /// Returns what it was asked since the last call.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().asked)
    }

    /// Returns what it had no answer for, each once.
    pub(crate) fn unanswered(&self) -> Vec<String> {
        self.state().unanswered.clone()
    }

    /// Notes what is asked, and returns the answer.
    fn answer(&self, asked: Asked, find: impl FnOnce(&mut Answers) -> Option<Answer>) -> Result<Answer, StepError> {
        let mut state = self.state();
        let answer = find(&mut state.answers);
        let line = asked.line();
        state.asked.push(asked);
        match answer {
            Some(Answer { fails: Some(why), .. }) => Err(StepError::unavailable(format!("{line}: {why}"))),
            Some(answer) => Ok(answer),
            None => {
                if !state.unanswered.contains(&line) {
                    state.unanswered.push(line.clone());
                }
                Err(StepError::failed(format!("the test case has no answer for {line}")))
            }
        }
    }
}

impl Outside for Backend {
    fn request(&self, request: OutsideRequest) -> Result<OutsideAnswer, StepError> {
        let asked = Asked::Request(request.clone());
        let answer = self.answer(asked, |answers| answers.for_request(&request.method, &request.url))?;
        Ok(OutsideAnswer {
            status: answer.status.unwrap_or(200),
            headers: answer.headers.clone().into_iter().collect(),
            body: bytes(answer.body.as_ref()),
        })
    }

    fn command(&self, command: OutsideCommand) -> Result<OutsideResult, StepError> {
        let answer = self.answer(Asked::Command(command.clone()), |answers| answers.for_command(&command.words))?;
        Ok(OutsideResult {
            status: answer.exit.unwrap_or_default(),
            output: bytes(answer.output.as_ref()),
            error: answer.error.unwrap_or_default().into_bytes(),
        })
    }

    fn call(&self, call: OutsideCall) -> Result<OutsideReply, StepError> {
        let answer = self.answer(Asked::Call(call.clone()), |answers| answers.for_call(&call))?;
        let message = answer.message.unwrap_or_else(|| "the step server gave no reason".to_owned());
        let result = match answer.outcome.unwrap_or(OutcomeWord::Succeeded) {
            OutcomeWord::Succeeded => Ok(()),
            OutcomeWord::Failed => Err(StepError::failed(message)),
            OutcomeWord::Deferred => Err(StepError::deferred(message)),
            OutcomeWord::Innocuous => Err(StepError::innocuous(message)),
            OutcomeWord::Unavailable => Err(StepError::unavailable(message)),
            OutcomeWord::Parked => Err(BusEvent::unusable(message)),
        };
        Ok(OutsideReply { changed: answer.fields, result })
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}
