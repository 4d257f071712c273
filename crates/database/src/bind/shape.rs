use trueup_spec::Carrier;

/// What sort of type a column or an expression has, as far as comparing and writing it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `smallint`, `integer`, `bigint`.
    Integer,
    /// `numeric`.
    Numeric,
    /// `real`, `double precision`.
    Float,
    /// `boolean`.
    Bool,
    /// `bytea`.
    Bytea,
    /// `timestamp` without a time zone; read as UTC.
    Timestamp,
    /// `timestamptz`.
    Timestamptz,
    /// `date`.
    Date,
    /// `interval`.
    Interval,
    /// `json`.
    Json,
    /// `jsonb`.
    Jsonb,
    /// `uuid`.
    Uuid,
    /// `text`, `varchar`, `char`, `citext`, `name`.
    Text,
    /// An enum.
    Enum,
    /// Anything else.
    Other,
}

impl Shape {
    /// From `pg_type.typname` and `typtype` of a type that is no domain.
    pub fn of(name: &str, kind: &str) -> Self {
        match name {
            _ if kind == "e" => Self::Enum,
            "int2" | "int4" | "int8" => Self::Integer,
            "numeric" => Self::Numeric,
            "float4" | "float8" => Self::Float,
            "bool" => Self::Bool,
            "bytea" => Self::Bytea,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::Timestamptz,
            "date" => Self::Date,
            "interval" => Self::Interval,
            "json" => Self::Json,
            "jsonb" => Self::Jsonb,
            "uuid" => Self::Uuid,
            "text" | "varchar" | "bpchar" | "name" | "citext" => Self::Text,
            _ => Self::Other,
        }
    }

    /// The carrier in which a value of this shape loses nothing: in which writes are checked.
    pub const fn native(self) -> Carrier {
        match self {
            Self::Integer | Self::Numeric | Self::Float => Carrier::Numeric,
            Self::Bool => Carrier::Bool,
            Self::Bytea => Carrier::Bytea,
            Self::Timestamp | Self::Timestamptz | Self::Date => Carrier::Timestamptz,
            Self::Json | Self::Jsonb => Carrier::Jsonb,
            Self::Interval | Self::Uuid | Self::Text | Self::Enum | Self::Other => Carrier::Text,
        }
    }

    /// `expression`, which has this shape, cast to the carrier; none where the two have nothing in common.
    ///
    /// `char(n)` and `citext` take text semantics: padding does not count, case does. A text meets a number, a
    /// boolean or JSON only if it reads as one; a row where it does not is an error of that row. Floating point goes
    /// by way of its shortest text, so that 0.1 means 0.1.
    pub fn to_carrier(self, carrier: Carrier, expression: &str) -> Option<String> {
        Some(match (carrier, self) {
            (Carrier::Text, Self::Bytea) => format!("encode({expression}, 'hex')"),
            (Carrier::Text, Self::Json | Self::Jsonb) => return None,
            (Carrier::Text, _) => format!("({expression})::text"),
            (Carrier::Numeric, Self::Integer | Self::Numeric) => format!("({expression})::numeric"),
            (Carrier::Numeric, Self::Float | Self::Text) => format!("({expression})::text::numeric"),
            (Carrier::Bool, Self::Bool) => format!("({expression})::bool"),
            (Carrier::Bool, Self::Text) => format!("({expression})::text::bool"),
            (Carrier::Bytea, Self::Bytea) => format!("({expression})::bytea"),
            (Carrier::Timestamptz, Self::Timestamptz) => format!("({expression})::timestamptz"),
            (Carrier::Timestamptz, Self::Timestamp) => format!("(({expression})::timestamp AT TIME ZONE 'UTC')"),
            (Carrier::Timestamptz, Self::Date) => format!("(({expression})::date::timestamp AT TIME ZONE 'UTC')"),
            (Carrier::Jsonb, Self::Jsonb | Self::Json) => format!("({expression})::jsonb"),
            (Carrier::Jsonb, Self::Text) => format!("({expression})::text::jsonb"),
            _ => return None,
        })
    }

    /// The text `value` (an expression of type text) as the native carrier.
    pub fn typed(self, value: &str) -> String {
        match self.native() {
            // Hex with or without a prefix; a plain cast would take hex without one for the bytes themselves.
            Carrier::Bytea => format!(r"decode(regexp_replace({value}, '^(0x|\\x)', '', 'i'), 'hex')"),
            carrier => format!("({value})::{}", carrier.sql()),
        }
    }

    /// The text `value` as a column of this shape whose type is `type_sql` would hold it.
    pub fn stored(self, type_sql: &str, value: &str) -> String {
        let typed = self.typed(value);
        match self {
            Self::Timestamp | Self::Date => format!("({typed} AT TIME ZONE 'UTC')::{type_sql}"),
            // An explicit cast to a limited type cuts silently; whoever stores it compares what comes back.
            _ => format!("({typed})::{type_sql}"),
        }
    }

    /// What a column of this shape holds, as the native carrier.
    pub fn read_back(self, expression: &str) -> String {
        self.to_carrier(self.native(), expression).unwrap_or_else(|| format!("({expression})::text"))
    }
}

/// A carrier's value as text, numbers without trailing zeros.
pub(crate) fn carrier_text(carrier: Carrier, expression: &str) -> String {
    match carrier {
        Carrier::Numeric => format!("trim_scale({expression})::text"),
        _ => format!("({expression})::text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_reads_back_in_its_native_carrier() {
        for name in
            ["int4", "numeric", "float8", "bool", "bytea", "timestamp", "timestamptz", "date", "json", "jsonb", "uuid", "text", "inet"]
        {
            let shape = Shape::of(name, "b");
            assert!(shape.to_carrier(shape.native(), "x").is_some(), "{name}");
        }
    }
}
