//! `[chain] source = "account"`.

use super::{Chain, given, table};
use crate::document::{Item, Section};
use crate::{ACCOUNT_VALUES, Account, Argument, ArgumentType, Position, Source};

pub(super) fn chain(mut section: Section<'_>, key: Option<Item<'_>>, values: Option<Item<'_>>, source_at: Position) -> Option<Chain> {
    let key = table::required_key(section.document, key.as_ref());
    let account = section
        .require("account", "name the key column with the account's address, as in `account = \"wallet\"`")
        .and_then(|item| item.sql());
    section.finish();

    let values = given::values(values.as_ref(), &ACCOUNT_VALUES, "an account", source_at);
    let source = Account { arguments: [Argument { kind: ArgumentType::Address, sql: account? }] };
    Some(Chain { key: key?, source: Source::Account(source), values, values_are_whole: true })
}
