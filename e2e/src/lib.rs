//! Services that the tests run as processes of their own. The tests are in `tests`, what they stand on is `xos-harness`.

pub mod chaos;
