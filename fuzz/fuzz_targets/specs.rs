//! Any text is a spec, or has errors with places in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_spec::Spec;

/// What the seeds' variables stand for: an address of a contract, and a word for all others but one.
fn environment(name: &str) -> Option<String> {
    match name {
        "MISSING" => None,
        "USDC" => Some("USDC:GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN".to_owned()),
        _ => Some("CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC".to_owned()),
    }
}

fuzz_target!(|text: &str| {
    let Err(errors) = Spec::parse("x.toml", text, &environment) else { return };
    assert!(!errors.0.is_empty(), "what is refused is refused for a reason");
    assert!(!errors.to_string().is_empty());
    for error in errors {
        // A file that is too large has no place.
        let Some(at) = error.at else { continue };
        assert!((1..=text.split('\n').count()).contains(&at.line) && at.column >= 1, "{error}");
    }
});
