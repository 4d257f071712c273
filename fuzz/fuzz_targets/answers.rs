//! Any answer of a server is a reading, or an error. The first letter of the input says of which method it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use trueup_chain::fuzzing;

fuzz_target!(|input: &[u8]| {
    let Some((method, body)) = input.split_first() else { return };
    match method {
        b'r' => return fuzzing::response(body),
        b'x' => return std::str::from_utf8(body).map_or((), fuzzing::envelope),
        _ => {}
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
    match method {
        b'l' => fuzzing::entries(answer),
        b'e' => fuzzing::events(&answer),
        b't' => fuzzing::transaction(&answer),
        b's' => fuzzing::simulation(&answer),
        b'n' => fuzzing::standing(&answer),
        b'h' => fuzzing::record(&answer),
        _ => {}
    }
});
