//! The application's tables equal the model: the rows that the application made and those that trueup may insert, no
//! others; of the chain's columns what the chain says; of the application's own what it wrote.

use sqlx::PgPool;

use super::none;

/// What a kind's tables must be.
struct Model {
    table: &'static str,
    /// The key of a row, as text.
    key: &'static str,
    /// Which rows of the table count: those that have a key.
    rows: &'static str,
    /// Keys of which the chain must have brought a row, over `truth` as `c`.
    inserted: &'static str,
    /// Where the chain decides, over the row `t` and the chain's `c`.
    decided: &'static str,
    join: &'static str,
    /// The chain's columns as they are, and as they should be.
    is: &'static str,
    should: &'static str,
    /// The application's own, over the row `t` and the model's `m`.
    own: &'static str,
    own_should: &'static str,
}

const MODELS: [Model; 5] = [
    Model {
        table: "loans",
        key: "loan_id",
        rows: "true",
        // While a made-up key is unresolved, a loan without a row could be its.
        inserted: "NOT EXISTS (SELECT FROM public.loans WHERE loan_id LIKE 'pending-%')",
        decided: "t.status <> 'rejected'",
        join: "t.loan_id = c.loan_id",
        is: "t.wallet, t.amount, t.released, t.balance, t.status::text, t.due_at",
        should: "c.wallet, c.amount, c.released, c.balance, c.status, c.due_at",
        own: "t.note, t.completed_at",
        own_should: "m.note, m.completed_at",
    },
    Model {
        table: "mirror",
        key: "loan_id::text",
        rows: "true",
        // A row whose state has no word is not made.
        inserted: "c.state IS NOT NULL AND EXISTS (SELECT FROM public.known_loans AS k WHERE k.loan_id = c.loan_id)",
        decided: "NOT t.hidden",
        join: "t.contract = c.contract AND t.loan_id = c.loan_id",
        // A label without a counterpart is left as it is.
        is: "CASE WHEN c.state IS NOT NULL THEN t.state END, t.amount, t.details -> 'schedule'",
        should: "c.state, c.amount, c.details -> 'schedule'",
        own: "t.details ->> 'tag', 1",
        own_should: "m.tag, 1",
    },
    Model {
        table: "positions",
        key: "wallet",
        rows: "true",
        inserted: "EXISTS (SELECT FROM public.profiles AS p WHERE p.wallet = c.wallet)",
        decided: "true",
        join: "t.wallet = c.wallet",
        is: "t.shares, t.deposited, t.rewards, t.tier, t.boost_bps::numeric, t.locked_until",
        should: "c.shares, c.deposited, c.rewards, c.tier, c.boost_bps, c.locked_until",
        own: "t.nickname, 1",
        own_should: "m.nickname, 1",
    },
    Model {
        table: "scores",
        key: "wallet",
        rows: "wallet IS NOT NULL",
        inserted: "false",
        decided: "true",
        join: "t.wallet = c.wallet",
        is: "t.score::numeric, t.loans_repaid::numeric, t.loans_defaulted::numeric",
        should: "c.score, c.loans_repaid, c.loans_defaulted",
        own: "t.badge, 1",
        own_should: "m.badge, 1",
    },
    Model {
        table: "transactions",
        key: "hash",
        rows: "true",
        inserted: "EXISTS (SELECT FROM trueup.events AS e WHERE e.transaction = c.hash AND e.name = 'LOANREPD')",
        decided: "true",
        join: "t.hash = c.hash",
        // A final state that is the wrong one is only reported; a pending one is decided.
        is: "CASE WHEN t.status = 'pending' THEN t.status ELSE 'decided' END, t.ledger::numeric",
        should: "'decided', c.ledger",
        own: "t.submitted_at, 1",
        // Of a row that trueup inserted: when its ledger closed.
        own_should: "coalesce(m.submitted_at, (SELECT c.closed_at FROM truth.transactions AS c WHERE c.hash = t.hash)), 1",
    },
];

pub(super) async fn check(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let mut wrongs = Vec::new();
    for model in &MODELS {
        let Model { table, key, rows, inserted, decided, join, is, should, own, own_should } = model;
        let must = format!("SELECT {key} FROM sim.{table} UNION SELECT {key} FROM truth.{table} AS c WHERE {inserted}");
        let may = format!(
            "{must} UNION SELECT {key} FROM public.{table} AS t WHERE {key} IN (SELECT h.after ->> split_part('{key}', ':', 1)
                FROM sim.history AS h WHERE h.table_name = '{table}' AND h.op = 'INSERT' AND h.by_trueup)"
        );
        let there = format!("SELECT {key} FROM public.{table} WHERE {rows}");
        wrongs.extend(none(pool, &format!("{table} lacks rows"), &format!("({must}) EXCEPT {there}")).await?);
        wrongs.extend(none(pool, &format!("{table} has rows that nobody should have made"), &format!("{there} EXCEPT ({may})")).await?);
        let text_key = format!("t.{key}");
        let actual = format!("SELECT {text_key}, {is} FROM public.{table} AS t JOIN truth.{table} AS c ON {join} WHERE {decided}");
        let expected = format!("SELECT {text_key}, {should} FROM public.{table} AS t JOIN truth.{table} AS c ON {join} WHERE {decided}");
        wrongs.extend(both_ways(pool, &format!("{table}: not as the chain says"), &actual, &expected).await?);
        let using = match *table {
            "mirror" => "contract, loan_id",
            _ => key,
        };
        let actual = format!("SELECT {text_key}, {own} FROM public.{table} AS t WHERE {rows}");
        let expected = format!(
            "SELECT {text_key}, {own_should} FROM public.{table} AS t LEFT JOIN (SELECT * FROM sim.{table}) AS m USING ({using}) WHERE {rows}"
        );
        wrongs.extend(both_ways(pool, &format!("{table}: what is the application's own"), &actual, &expected).await?);
    }
    Ok(wrongs)
}

async fn both_ways(pool: &PgPool, what: &str, actual: &str, expected: &str) -> anyhow::Result<Option<String>> {
    none(
        pool,
        what,
        &format!(
            "SELECT 'is ' || a::text FROM (({actual}) EXCEPT ALL ({expected})) AS a
             UNION ALL SELECT 'should be ' || e::text FROM (({expected}) EXCEPT ALL ({actual})) AS e"
        ),
    )
    .await
}
