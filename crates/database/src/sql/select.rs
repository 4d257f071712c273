use sqlx::Arguments;
use sqlx::postgres::PgArguments;

/// A value for a placeholder of a [`Select`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    /// `text`.
    Text(Option<String>),
    /// `bigint`.
    Number(i64),
    /// `text[]`.
    Texts(Vec<String>),
}

/// One SELECT, without a semicolon, and the values of its placeholders `$1`, `$2`, …
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The statement. Every identifier in it is quoted, every value a placeholder.
    pub sql: String,
    /// The values, in order.
    pub binds: Vec<Bind>,
}

impl Select {
    /// The values as sqlx wants them.
    ///
    /// # Errors
    /// A value that Postgres has no room for (over 1 GiB).
    pub fn arguments(&self) -> Result<PgArguments, sqlx::Error> {
        let mut arguments = PgArguments::default();
        for bind in &self.binds {
            match bind {
                Bind::Text(value) => arguments.add(value.as_deref()),
                Bind::Number(value) => arguments.add(*value),
                Bind::Texts(values) => arguments.add(values.as_slice()),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }
}
