use num_bigint::BigInt;
use proptest::prelude::*;
use stellar_xdr::ScVal;
use trueup_chain::{argument, decode};
use trueup_spec::{ArgumentType, Carrier, Path};

fn read(value: &ScVal, carrier: Carrier, decimals: u32) -> String {
    decode(value, &Path::default(), carrier, decimals, false).expect("it decodes").expect("it is not void")
}

fn there_and_back(kind: ArgumentType, text: &str) -> Result<(), TestCaseError> {
    let value = argument(kind, text).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(read(&value, Carrier::Text, 0), text);
    Ok(())
}

/// Integers of up to `bits` bits, of every magnitude.
fn integer(bits: u32, signed: bool) -> impl Strategy<Value = BigInt> {
    (prop::array::uniform32(any::<u8>()), 0..=bits, any::<bool>()).prop_map(move |(bytes, width, is_negative)| {
        let magnitude: BigInt = BigInt::from_bytes_be(num_bigint::Sign::Plus, &bytes) >> (256 - width);
        match (signed, is_negative) {
            (true, true) => -(magnitude >> 1_usize) - 1,
            (true, false) => magnitude >> 1_usize,
            (false, _) => magnitude,
        }
    })
}

proptest! {
    #[test]
    fn integers_go_there_and_back(
        u32 in any::<u32>(), i32 in any::<i32>(), u64 in any::<u64>(), i64 in any::<i64>(), u128 in any::<u128>(), i128 in any::<i128>(),
        u256 in integer(256, false), i256 in integer(256, true),
    ) {
        there_and_back(ArgumentType::U32, &u32.to_string())?;
        there_and_back(ArgumentType::I32, &i32.to_string())?;
        there_and_back(ArgumentType::U64, &u64.to_string())?;
        there_and_back(ArgumentType::I64, &i64.to_string())?;
        there_and_back(ArgumentType::U128, &u128.to_string())?;
        there_and_back(ArgumentType::I128, &i128.to_string())?;
        there_and_back(ArgumentType::U256, &u256.to_string())?;
        there_and_back(ArgumentType::I256, &i256.to_string())?;
        there_and_back(ArgumentType::Timepoint, &u64.to_string())?;
        there_and_back(ArgumentType::Duration, &u64.to_string())?;
    }

    #[test]
    fn texts_bytes_and_symbols_go_there_and_back(text in "[^\\x00]*", symbol in "[a-zA-Z0-9_]{0,32}", bytes in any::<Vec<u8>>(), flag in any::<bool>()) {
        there_and_back(ArgumentType::String, &text)?;
        there_and_back(ArgumentType::Symbol, &symbol)?;
        there_and_back(ArgumentType::Bytes, &hex::encode(&bytes))?;
        there_and_back(ArgumentType::Bool, &flag.to_string())?;
        let value = argument(ArgumentType::Bytes, &hex::encode(&bytes)).expect("hex");
        prop_assert_eq!(read(&value, Carrier::Bytea, 0), format!("\\x{}", hex::encode(&bytes)));
    }

    #[test]
    fn addresses_go_there_and_back(bytes in prop::array::uniform32(any::<u8>()), id in any::<u64>()) {
        use stellar_strkey::{Contract, MuxedContract, Strkey, ed25519};
        for strkey in [
            Strkey::PublicKeyEd25519(ed25519::PublicKey(bytes)),
            Strkey::Contract(Contract(bytes)),
            Strkey::MuxedAccountEd25519(ed25519::MuxedAccount { ed25519: bytes, id }),
            Strkey::MuxedContract(MuxedContract { contract_id: bytes, id }),
        ] {
            there_and_back(ArgumentType::Address, &strkey.to_string())?;
        }
    }

    #[test]
    fn scaling_moves_the_point_and_changes_nothing_else(base_units in integer(256, true), decimals in 0_u32..=38) {
        let value = argument(ArgumentType::I256, &base_units.to_string()).expect("in range");
        let text = read(&value, Carrier::Numeric, decimals);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        prop_assert_eq!(fraction.len(), decimals as usize);
        prop_assert!(!whole.trim_start_matches('-').is_empty());
        // The same digits without the point are the same number of base units.
        prop_assert_eq!(format!("{whole}{fraction}").parse::<BigInt>().expect("digits"), base_units);
    }

    #[test]
    fn no_text_makes_an_argument_panic(text in any::<String>()) {
        for kind in [
            ArgumentType::Bool, ArgumentType::U32, ArgumentType::I256, ArgumentType::Symbol, ArgumentType::String, ArgumentType::Bytes,
            ArgumentType::Address, ArgumentType::Timepoint,
        ] {
            let _ = argument(kind, &text);
        }
    }
}
