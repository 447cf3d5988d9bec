//! What the log says of calls.

use std::cell::RefCell;
use std::io::Write;

use xos_steps::Policy;

use crate::support::*;

thread_local! {
    /// What a test has logged: it runs in a thread of its own.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(vec![]) };
}

/// Keeps what is logged.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Greeting;

impl Policy for Greeting {
    type Model = Object;
    fn observes(&self) -> &str {
        "MyModel"
    }
    async fn handle_create(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
        Err(StepError::failed("no words"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_names_the_policy_or_step_that_was_called() {
    tracing_subscriber::fmt()
        .with_writer(|| Log)
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .init();
    let step = Scripted {
        script: Box::new(|_, _, _| Ok(())),
        calls: Arc::default(),
        running: AtomicUsize::new(0),
        takes: Duration::ZERO,
    };
    let run = Running::start_with(Arc::default(), &Steps::new().sync_step(step).policy(Greeting));
    run.world.put(object("ann"));
    run.pass(0.5).await;
    let text = LOG.with_borrow(|log| String::from_utf8(log.clone()).unwrap());
    let line =
        |part: &str| text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} in:\n{text}"));
    let failed = line("call failed");
    assert!(failed.contains("policy{name=\"Greeting\"}") && failed.contains("no words"), "{failed}");
    assert!(failed.contains("MyModel default/ann") && !failed.contains("Scripted"), "{failed}");
    let succeeded = line("call succeeded");
    assert!(succeeded.contains("step{name=\"Scripted\"}") && succeeded.contains("DEBUG"), "{succeeded}");
    let known = line("all objects are known");
    assert!(known.contains("INFO") && known.contains("objects=0") && known.contains("after="), "{known}");
}
