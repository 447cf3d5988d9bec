//! Scenarios that run twice: on the world in memory, and on a real control plane. What is promised must hold on both,
//! so that tests of steps in memory can be trusted.
//!
//! A scenario is a file with two functions: `setup` returns what runs, `story` does what an operator does and looks at
//! what becomes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod stage;

/// The table of scenarios. Each becomes two tests: `memory::<name>` and `server::<name>`.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// The scenarios in memory, in paused time.
        mod memory {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                crate::stage::in_memory(crate::$name::setup(), crate::$name::story).await;
            })*
        }

        /// The same on a real control plane.
        mod server {
            $(#[tokio::test]
            async fn $name() {
                crate::stage::on_server(stringify!($name), crate::$name::setup(), crate::$name::story).await;
            })*
        }
    };
}

scenarios! {
    all_deleted,
    clock_was_ahead,
    deleted_while_it_is_waited_for,
    edited_while_it_fails,
    one_key_twice,
    orphaned,
    finalizers_taken_away,
    held_deletion,
    held_listing,
    long_errors,
    only_named,
    own_saves,
    owner_left_out,
    progress,
    ready_is_done,
    restored,
    resync,
    target_away,
}
