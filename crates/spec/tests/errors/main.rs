//! What a person reads when a spec is wrong: each class of error once, word for word.

mod chain;
mod comparisons;
mod entries;
mod enumerate;
mod head;
mod limits;
mod repairs;
mod sources;
mod touch;
mod transactions;
mod values;

use trueup_spec::Spec;

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

const HEAD: &str = "kind = \"loan\"\ntable = \"loans\"\nkey = \"id\"\n";
const VALUES: &str = "[values]\namount = { path = \"amount\", type = \"numeric\" }\nstate = { path = \"state\", type = \"text\" }\n";
const FIELD: &str = "[[field]]\ncolumn = \"amount\"\nvalue = \"amount\"\n";

fn chain(more: &str) -> String {
    format!("[chain]\nsource = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]\n{more}")
}

fn errors(text: &str) -> String {
    match Spec::parse("loan.toml", text, &|_| None) {
        Ok(spec) => panic!("this is valid: {spec:#?}"),
        Err(errors) => errors.to_string(),
    }
}

/// A sound spec with `more` at its end, which stands in the last lines.
fn ending_in(more: &str) -> String {
    errors(&format!("{HEAD}{}{VALUES}{FIELD}{more}", chain("")))
}

/// A sound spec with `more` after the last key of `[chain]`.
fn chain_with(more: &str) -> String {
    errors(&format!("{HEAD}{}{VALUES}{FIELD}", chain(more)))
}

/// A sound spec but for its entry.
fn entry(entry: &str) -> String {
    let chain = chain("").replace("[{ u64 = \"id\" }]", entry);
    errors(&format!("{HEAD}{chain}{VALUES}{FIELD}"))
}

/// A sound spec but for its head.
fn head(head: &str) -> String {
    errors(&format!("{head}{}{VALUES}{FIELD}", chain("")))
}

/// A sound spec but for its values.
fn values(values: &str) -> String {
    errors(&format!("{HEAD}{}[values]\namount = {{ path = \"amount\", type = \"numeric\" }}\n{values}\n{FIELD}", chain("")))
}

/// A sound spec but for its `[chain]`.
fn with_chain(chain: &str) -> String {
    errors(&format!("{HEAD}[chain]\n{chain}\n{FIELD}"))
}
