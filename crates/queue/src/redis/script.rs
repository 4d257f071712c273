//! The scripts that Redis runs. Each is one step that happens whole or not at all, in time that grows with its batch and
//! with nothing else.

use std::sync::LazyLock;

use redis::Script;

/// All but [`FORGET`] begin with the check of the epoch.
macro_rules! checked {
    ($name:ident, $file:literal) => {
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("lua/prelude.lua"), "\n", include_str!(concat!("lua/", $file)))));
    };
}

checked!(PUSH, "push.lua");
checked!(PEEK, "peek.lua");
checked!(TAKE, "take.lua");
checked!(SUSPECTS, "suspects.lua");
checked!(SETTLE, "settle.lua");
checked!(LEASES, "leases.lua");
checked!(HELD, "held.lua");

pub(super) static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/forget.lua")));

/// The code of the error with which a script says that the epoch is another one.
pub(super) const EPOCH_CODE: &str = "EPOCH";
