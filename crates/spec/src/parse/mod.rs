//! From the text of a spec file to a [`Spec`], with every error of the file and not only the first.

mod account;
mod also;
mod asset;
mod chain;
mod conditions;
mod element;
mod entry;
mod enumerate;
mod events;
mod fields;
mod given;
mod guard;
mod insert;
mod provisional;
mod references;
mod repair;
mod soroban;
mod table;
mod touch;
mod transaction;
mod values;
mod view;

use toml::de::DeTable;
use trueup_judge::{Class, EntityKind, Repair};

use crate::document::{Document, Section};
use crate::{Name, Position, Source, Spec, SpecError, SpecErrors, Sql, identifier, place};

/// The largest spec file, in bytes.
pub(crate) const MAX_SPEC_BYTES: usize = 256 * 1024;

impl Spec {
    /// Parses the text of a spec file. `environment` is asked for each `${NAME}` in it.
    ///
    /// # Errors
    /// Everything that is wrong with the file; if it is no TOML, the first place where it is none.
    pub fn parse(file_name: &str, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, SpecErrors> {
        parse(file_name, text, environment).map(|(spec, _)| spec)
    }

    /// An error about this spec, for whoever checks it further.
    #[must_use]
    pub fn error_at(&self, at: Position, message: impl Into<String>, help: Option<String>) -> SpecError {
        SpecError::new(&self.file, &self.text, at, message, help)
    }

    /// An error at a character (from 0) of one of this spec's expressions. Exact up to the first escape or environment
    /// variable in the expression; behind it, the place of that.
    #[must_use]
    pub fn error_in(&self, sql: &Sql, character: usize, message: impl Into<String>, help: Option<String>) -> SpecError {
        self.error_at(place::inside(&self.text, sql.at, &sql.text, character), message, help)
    }
}

/// Like [`Spec::parse`], with the place of the kind's name.
pub(crate) fn parse(file: &str, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<(Spec, Position), SpecErrors> {
    if text.len() > MAX_SPEC_BYTES {
        let message = format!("the file has {} bytes; a spec has at most {MAX_SPEC_BYTES}", text.len());
        return Err(SpecError::of_file(file, message, None).into());
    }
    let tree = DeTable::parse(text).map_err(|error| {
        let at = place::position(text, error.span().map_or(text.len(), |span| span.start));
        let help = "the file is TOML: `key = \"value\"`, `[table]`, `[[list of tables]]`".to_owned();
        SpecError::new(file, text, at, format!("this is not TOML: {}", error.message().replace('\n', ", ")), Some(help))
    })?;
    let document = Document::new(file, text, environment);
    let root = Section::new(&document, "the spec".to_owned(), Position { line: 1, column: 1 }, tree.get_ref());
    let spec = spec(root);
    let errors = document.into_errors();
    match spec {
        Some(spec) if errors.is_empty() => Ok(spec),
        _ => {
            assert!(!errors.is_empty(), "a spec that does not resolve has an error");
            Err(SpecErrors(errors))
        }
    }
}

fn spec(mut root: Section<'_>) -> Option<(Spec, Position)> {
    let kind = root.require("kind", "name what the rows are, as in `kind = \"loan\"`").and_then(|item| {
        let text = item.text()?;
        match identifier::kind(&text.text) {
            Ok(()) => Some((EntityKind(text.text), text.at)),
            Err(fault) => text.fault(fault),
        }
    });
    let table = root.require("table", "name the table, as in `table = \"public.loans\"`").and_then(|item| table::table(&item));
    let key = root.take("key");
    let filter = root.take("where").and_then(|item| item.sql());
    let (changed, grace_secs) = table::settle(&mut root);

    let values_item = root.take("values");
    let chain = root
        .require("chain", "say where the chain's side comes from, in a table `[chain]`")
        .and_then(|item| item.section("[chain]", "a table `[chain]`"))
        .and_then(|section| chain::chain(section, key, values_item));
    let names: Vec<&str> = chain.as_ref().map(|it| it.values.iter().map(|value| value.name.text.as_str()).collect()).unwrap_or_default();
    // Without its values, every name in the rest would be reported as unknown.
    let known = chain.as_ref().filter(|it| it.values_are_whole).map(|_| names.as_slice());

    let keys = chain.as_ref().map_or(&[][..], |it| &it.key);
    let mut fields = fields::fields(&mut root, known, chain.as_ref(), keys);
    let conditions = conditions::conditions(&mut root, known, fields.as_deref().unwrap_or_default());
    let provisional_item = root.take("provisional");
    let provisional = provisional_item.as_ref().and_then(provisional::provisional);
    let insert = insert::insert(&mut root, known, chain.as_ref(), fields.as_deref().unwrap_or_default());
    let repair = repair::repair(&mut root, chain.as_ref().map(|it| &it.source), provisional.is_some());

    if let (Some(item), Some(provisional)) = (&provisional_item, &provisional) {
        let whole = provisional::Whole {
            key: chain.as_ref().map(|it| it.key.as_slice()),
            has_changed: changed.is_some(),
            has_entries: matches!(chain.as_ref().map(|it| &it.source), Some(Source::Soroban(_)) | None),
            resolves: repair.as_ref().is_some_and(|it| it.get(&Class::ProvisionalId) == Some(&Repair::Resolve)),
        };
        provisional::check(item, provisional, &whole);
    }
    let guard = guard::guard(&mut root);
    let touches = touch::touches(&mut root, chain.as_ref());

    let at = root.at;
    let document = root.document;
    root.finish();
    let compares_nothing = fields.as_ref().is_some_and(Vec::is_empty) && conditions.as_ref().is_some_and(Vec::is_empty);
    match (chain.as_ref().map(|it| &it.source), &mut fields) {
        (Some(Source::Transaction(transaction)), Some(fields)) => fields.insert(0, transaction::state_field(transaction)),
        (Some(_), _) if compares_nothing => {
            let help = "add a [[field]] for each column that the chain decides, or a [[condition]]".to_owned();
            document.report(at, "the spec compares nothing", Some(help));
        }
        _ => {}
    }

    let (kind, kind_at) = kind?;
    let chain = chain?;
    let spec = Spec {
        file: document.file.to_owned(),
        text: document.text.clone(),
        kind,
        table: table?,
        key: chain.key,
        filter,
        changed,
        grace_secs,
        source: chain.source,
        values: chain.values,
        fields: fields?,
        conditions: conditions?,
        provisional,
        insert: insert?,
        repair: repair?,
        guard: guard?,
        touches: touches?,
    };
    Some((spec, kind_at))
}

/// `[chain]`, with what depends on its source.
struct Chain {
    key: Vec<Name>,
    source: Source,
    values: Vec<crate::Value>,
    /// No value was left out because of an error.
    values_are_whole: bool,
}
