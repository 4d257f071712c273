//! What users and the application do: calls of contracts, and the rows that the application writes of them, rightly
//! and wrongly.

use rand::{Rng, RngExt};

use crate::kind::Kind;

/// One deed. Numbers that pick something are taken modulo what there is.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// A loan is made. With `made_up`, its row first has a made-up key.
    Create {
        borrower: u32,
        amount: i128,
        installments: u32,
        made_up: bool,
        loan: Written,
        mirror: Written,
        kept: Kept,
    },
    /// Some of a loan is paid out.
    Release {
        loan: u32,
        percent: u32,
        rows: [Written; 2],
        kept: Kept,
    },
    /// Some of it is paid back, 100: all.
    Repay {
        loan: u32,
        percent: u32,
        rows: [Written; 2],
        kept: Kept,
    },
    /// It is given up.
    Default {
        loan: u32,
        rows: [Written; 2],
        kept: Kept,
    },
    /// More is paid back than is owed: the transaction fails. `believed`: the application took it for done.
    Overpay {
        loan: u32,
        believed: bool,
        kept: Kept,
    },
    Deposit {
        provider: u32,
        amount: i128,
        row: Written,
        kept: Kept,
    },
    Withdraw {
        provider: u32,
        percent: u32,
        row: Written,
        kept: Kept,
    },
    Boost {
        provider: u32,
        bps: u32,
        row: Written,
        kept: Kept,
    },
    Record {
        user: u32,
        repaid: bool,
        row: Written,
        kept: Kept,
    },
    /// A transaction is signed and never arrives.
    Submit {
        provider: u32,
        /// Whether it is valid for a while only.
        bounded: bool,
    },
    /// A loan is asked for, whose row has a made-up key until trueup finds the real one.
    Request {
        requester: u32,
        amount: i128,
        fate: Fate,
        payments: u32,
    },
    /// A row is set to something wrong, without any cause on chain.
    Scribble {
        kind: Kind,
        row: u32,
        column: u32,
    },
    /// A row is deleted.
    Delete {
        kind: Kind,
        row: u32,
    },
    /// A row is made that the chain knows nothing of.
    Invent {
        kind: Kind,
        number: u32,
    },
    /// A loan's row is exempted.
    Reject {
        row: u32,
    },
    /// A mirrored row is hidden, or shown again.
    Hide {
        row: u32,
    },
    /// A column that is only the application's is written.
    Note {
        kind: Kind,
        row: u32,
        text: u32,
    },
    /// A row with a made-up key gets its true one.
    Resolve,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lands, and its row names its transaction.
    Known,
    /// It lands, and its row does not know by which transaction.
    Unseen,
    /// Two that cannot be told apart land.
    Twins,
    /// It lands, and another row has its key by then.
    Taken,
    /// Its transaction fails.
    Failed,
    /// Its transaction never arrives, and cannot any more.
    Expired,
    /// Its transaction has not arrived yet.
    InFlight,
}

// === impl Fate ===

impl Fate {
    const ALL: [Self; 7] = [Self::Known, Self::Unseen, Self::Twins, Self::Taken, Self::Failed, Self::Expired, Self::InFlight];
}

/// How the application writes a row after its cause on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Right,
    /// Not at all.
    Lost,
    /// With a wrong value.
    Wrong,
    /// Some deeds later, as it should have been now.
    Late,
}

/// What the application keeps of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Right,
    /// It never heard of the end.
    Pending,
    /// It took one end for the other.
    Opposite,
    /// Nothing.
    Nothing,
}

// === impl Deed ===

impl Deed {
    /// What comes before the turmoil: most of it is written rightly.
    pub(crate) fn draw_first(random: &mut impl Rng, index: usize) -> Self {
        match index % 4 {
            0 | 1 => Self::create(random, false),
            2 => Self::Deposit { provider: index as u32, amount: amount(random), row: Written::Right, kept: Kept::Right },
            _ => Self::Record { user: index as u32, repaid: random.random_ratio(2, 3), row: Written::Right, kept: Kept::Right },
        }
    }

    pub(crate) fn draw(random: &mut impl Rng) -> Self {
        let pick = random.random::<u32>() >> 1;
        let percent = if random.random_ratio(1, 3) { 100 } else { random.random_range(1..=99) };
        match random.random_range(0..100) {
            0..15 => {
                let made_up = random.random_ratio(1, 5);
                Self::create(random, made_up)
            }
            15..27 => Self::Release { loan: pick, percent, rows: [written(random), written(random)], kept: kept(random) },
            27..39 => Self::Repay { loan: pick, percent, rows: [written(random), written(random)], kept: kept(random) },
            39..43 => Self::Default { loan: pick, rows: [written(random), written(random)], kept: kept(random) },
            43..48 => Self::Overpay { loan: pick, believed: random.random_ratio(1, 2), kept: kept(random) },
            48..54 => Self::Deposit { provider: pick, amount: amount(random), row: written(random), kept: kept(random) },
            54..60 => Self::Withdraw { provider: pick, percent, row: written(random), kept: kept(random) },
            60..63 => Self::Boost { provider: pick, bps: random.random_range(10_500..20_000), row: written(random), kept: kept(random) },
            63..69 => Self::Record { user: pick, repaid: random.random_ratio(1, 2), row: written(random), kept: kept(random) },
            69..72 => Self::Submit { provider: pick, bounded: random.random_ratio(1, 2) },
            72..80 => Self::Request {
                requester: pick,
                amount: amount(random),
                fate: Fate::ALL[random.random_range(0..Fate::ALL.len())],
                payments: random.random_range(0..3),
            },
            80..84 => Self::Scribble { kind: any_kind(random), row: pick, column: random.random::<u32>() >> 1 },
            84..87 => Self::Delete { kind: any_kind(random), row: pick },
            87..89 => Self::Invent { kind: any_kind(random), number: pick },
            89..91 => Self::Reject { row: pick },
            91..93 => Self::Hide { row: pick },
            93..97 => Self::Note { kind: any_kind(random), row: pick, text: pick % 100 },
            _ => Self::Resolve,
        }
    }

    fn create(random: &mut impl Rng, made_up: bool) -> Self {
        Self::Create {
            borrower: random.random::<u32>() >> 1,
            amount: amount(random),
            installments: random.random_range(1..=4),
            made_up,
            loan: written(random),
            mirror: written(random),
            kept: kept(random),
        }
    }
}

/// Base units, not always whole units.
fn amount(random: &mut impl Rng) -> i128 {
    random.random_range(1_000_000_000..200_000_000_000)
}

fn any_kind(random: &mut impl Rng) -> Kind {
    Kind::MISTREATED[random.random_range(0..Kind::MISTREATED.len())]
}

fn written(random: &mut impl Rng) -> Written {
    match random.random_range(0..100) {
        0..55 => Written::Right,
        55..75 => Written::Lost,
        75..88 => Written::Wrong,
        _ => Written::Late,
    }
}

fn kept(random: &mut impl Rng) -> Kept {
    match random.random_range(0..100) {
        0..45 => Kept::Right,
        45..75 => Kept::Pending,
        75..85 => Kept::Opposite,
        _ => Kept::Nothing,
    }
}
