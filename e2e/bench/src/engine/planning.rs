//! Ordering dirty objects: runs the example `planning` of xos-model, and compares its output with the goals.

use tokio::process::Command;
use xos_harness::paths;

use super::{Error, report::Goal};

/// The program of the example.
const PROGRAM: &str = "examples/planning";
/// The number of objects that the goal is for.
const OBJECTS: u32 = 10_000;
/// The longest time for loading and planning them, in ms.
const LIMIT: f64 = 100.0;
/// How much longer an object may take with 100,000 objects than with 1,000. More objects do not fit in the processor's
/// caches.
const LINEAR: f64 = 3.0;

/// A line of the example's table.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    shape: String,
    objects: u32,
    load: f64,
    plan: f64,
}

/// Runs the example.
pub(super) async fn measure() -> Result<Vec<Goal>, Error> {
    let Ok(program) = paths::program(PROGRAM) else {
        let why = "not built: `cargo build --release -p xos-model --example planning`";
        return Ok(vec![Goal::unmeasured("planning of 10000 dirty objects", "≤ 100 ms", why)]);
    };
    let output = Command::new(program).output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = read(&text).ok_or_else(|| Error::Planning(text.clone()))?;
    Ok(goals(&lines))
}

fn read(text: &str) -> Option<Vec<Line>> {
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [shape, objects, load, plan, _] = words[..] else { return None };
        Some(Line {
            shape: shape.to_owned(),
            objects: objects.parse().ok()?,
            load: load.parse().ok()?,
            plan: plan.parse().ok()?,
        })
    };
    let lines: Vec<_> = text.lines().skip(1).map(line).collect::<Option<_>>()?;
    (!lines.is_empty()).then_some(lines)
}

fn goals(lines: &[Line]) -> Vec<Goal> {
    let mut goals = vec![];
    for line in lines.iter().filter(|line| line.objects == OBJECTS) {
        let whole = line.load + line.plan;
        let what = format!("planning of {OBJECTS} dirty objects, {}", line.shape);
        let more = format!("load {:.1}, plan {:.1}", line.load, line.plan);
        goals.push(Goal::at_most(what, whole, LIMIT, "ms").with(more));
        let each = |objects: u32| {
            let same = lines.iter().find(|other| other.shape == line.shape && other.objects == objects);
            same.map(|other| (other.load + other.plan) / f64::from(objects))
        };
        if let (Some(few), Some(many)) = (each(1_000), each(100_000)) {
            let what = format!("planning of 100000 / of 1000, each object, {}", line.shape);
            goals.push(Goal::at_most(what, many / few.max(1e-9), LINEAR, ""));
        }
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
links     objects    load ms      plan ms  µs each
chain        1000        1.5          0.5     0.50
chain       10000       20.5          5.0     0.50
chain      100000      300.0         60.0     0.60
";

    #[test]
    fn the_table_is_read_and_judged() {
        let goals = goals(&read(TABLE).unwrap());
        assert_eq!(goals.len(), 2);
        assert!(goals.iter().all(|goal| goal.met == Some(true)), "{goals:?}");
        assert_eq!(goals[0].value, Some(25.5));
        assert!(read("oops\nmore").is_none());
    }
}
