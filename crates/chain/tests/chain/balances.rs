//! Where balances and accounts are, and what their entries say.

use stellar_xdr::{
    AccountEntry, AccountEntryExt, AccountEntryExtensionV1, AccountEntryExtensionV1Ext, AccountEntryExtensionV2, AccountId,
    LedgerEntryData, LedgerKey, Liabilities, Limits, PublicKey, ReadXdr, SequenceNumber, Signer, SignerKey, Thresholds, TrustLineEntry,
    TrustLineEntryExt, TrustLineEntryV1, Uint256,
};
use trueup_chain::{
    Asset, LedgerKey as Key, account_key, account_values, asset, asset_contract, balance_key, balance_values, holder, token_balance_key,
};
use trueup_spec::{ACCOUNT_VALUES, ASSET_BALANCE_VALUES};

use crate::double::Double;
use crate::fixtures::rows;
use crate::ledger::{Ledger, base64, item};

const PUBLIC: &str = "Public Global Stellar Network ; September 2015";
const TESTNET: &str = "Test SDF Network ; September 2015";
const ISSUER: &str = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN";
const HOLDER: &str = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7";
const MUXED: &str = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ";
const BASE: &str = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ";

fn usdc() -> Asset {
    asset("USDC", Some(ISSUER)).expect("an asset").expect("named")
}

fn shown(values: Vec<Option<String>>) -> Vec<String> {
    values.into_iter().map(|value| value.unwrap_or_else(|| "NULL".to_owned())).collect()
}

fn id(address: &str) -> AccountId {
    AccountId(PublicKey::PublicKeyTypeEd25519(Uint256(stellar_strkey::ed25519::PublicKey::from_string(address).expect("G…").0)))
}

#[test]
fn contracts_of_assets_have_the_addresses_that_the_networks_gave_them() {
    for (asset, network, contract) in [
        (Asset::Native, PUBLIC, "CAS3J7GYLGXMF6TDJBBYYSE3HQ6BBSMLNUQ34T6TZMYMW2EVH34XOWMA"),
        (Asset::Native, TESTNET, "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC"),
        (usdc(), PUBLIC, "CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75"),
    ] {
        assert_eq!(asset_contract(&asset, network).expect("a contract").to_string(), contract);
    }
}

#[test]
fn only_the_networks_own_asset_has_a_code_and_no_issuer() {
    for code in ["native", "XLM"] {
        assert_eq!((asset(code, None), asset(code, Some(""))), (Ok(Some(Asset::Native)), Ok(Some(Asset::Native))));
    }
    assert_eq!(asset("USDC", None), Ok(None), "which one is not said");
    assert!(matches!(asset("XLM", Some(ISSUER)), Ok(Some(Asset::CreditAlphanum4(_)))), "anyone may issue that code");
    assert!(matches!(asset("LONGCODE", Some(ISSUER)), Ok(Some(Asset::CreditAlphanum12(_)))));
    for wrong in ["", "US DC", "THIRTEENCHARS", "ÜSD"] {
        assert!(asset(wrong, Some(ISSUER)).is_err(), "{wrong}");
    }
    assert!(asset("USDC", Some("CAS3J7GYLGXMF6TDJBBYYSE3HQ6BBSMLNUQ34T6TZMYMW2EVH34XOWMA")).is_err());
}

#[test]
fn a_sub_account_is_the_account_that_holds_for_it() {
    assert_eq!(holder(MUXED), holder(BASE));
    assert_eq!(account_key(MUXED), account_key(BASE));
    let muxed_contract = stellar_xdr::ScAddress::MuxedContract(stellar_xdr::MuxedContract {
        id: 7,
        contract_id: stellar_xdr::ContractId(stellar_xdr::Hash([9; 32])),
    });
    assert_eq!(holder(&muxed_contract.to_string()).expect("a contract"), crate::ledger::address(9));
    for nobody in ["", "GA", "loan", "BAADMPVKHBTYIH522D2O3CGHPHSP4ZXFNISHBXEYYDWJYBZ5AXD3CA3GDE"] {
        assert!(holder(nobody).is_err(), "{nobody}");
    }
    assert!(account_key("CAS3J7GYLGXMF6TDJBBYYSE3HQ6BBSMLNUQ34T6TZMYMW2EVH34XOWMA").is_err());
}

#[test]
fn a_balance_is_where_the_ledger_keeps_it() {
    let at = |asset: &Asset, text: &str| balance_key(asset, &holder(text).expect("a holder"), PUBLIC).expect("a key");
    assert_eq!(at(&Asset::Native, HOLDER), account_key(HOLDER).ok());
    assert!(matches!(at(&usdc(), HOLDER), Some(Key::Trustline(line)) if line.account_id == id(HOLDER)));
    assert_eq!(at(&usdc(), ISSUER), None, "who issues holds nothing");
    let Some(Key::ContractData(data)) = at(&usdc(), "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC") else {
        panic!("a contract's balance is in a contract")
    };
    assert_eq!(data.contract.to_string(), "CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75");
}

#[test]
fn recorded_balances_of_contracts_are_found_and_read() {
    let mut read = 0;
    for row in rows("contract_data.jsonl").iter().filter(|row| row["oracle"]["balance"].as_str().is_some_and(|it| !it.is_empty())) {
        let text = |name: &str| row["oracle"][name].as_str().expect("a text");
        let key = token_balance_key(holder(text("contract_id")).expect("C…"), &holder(text("balance_holder")).expect("C…"));
        assert_eq!(base64(&key.expect("a key")), row["key"].as_str().expect("a key"));
        let entry = LedgerEntryData::from_xdr_base64(row["xdr"].as_str().expect("XDR"), Limits::none()).expect("XDR");
        let values = shown(balance_values(&entry, 7).expect("a balance"));
        let base_units: i64 = text("balance").parse().expect("an integer");
        let units = format!("{}.{:07}", base_units / 10_000_000, base_units % 10_000_000);
        assert_eq!((&values[0], values.len()), (&units, ASSET_BALANCE_VALUES.len()));
        assert_eq!(values[1..], ["true", "false", "NULL", "NULL", "NULL"]);
        read += 1;
    }
    assert_eq!(read, 4);
}

#[test]
fn a_trustline_says_balance_rights_and_limit() {
    let line = |flags, ext| {
        let Some(Key::Trustline(key)) = balance_key(&usdc(), &holder(HOLDER).expect("G…"), PUBLIC).expect("a key") else { panic!() };
        LedgerEntryData::Trustline(TrustLineEntry {
            account_id: key.account_id,
            asset: key.asset,
            balance: 12_345_678,
            limit: i64::MAX,
            flags,
            ext,
        })
    };
    let v1 = TrustLineEntryV1 { liabilities: Liabilities { buying: 1, selling: 20_000_000 }, ..TrustLineEntryV1::default() };
    let values = shown(balance_values(&line(5, TrustLineEntryExt::V1(v1)), 7).expect("a balance"));
    assert_eq!(values, ["1.2345678", "true", "true", "922337203685.4775807", "0.0000001", "2.0000000"]);
    // May keep its offers, and no more: not authorized.
    let values = shown(balance_values(&line(2, TrustLineEntryExt::V0), 7).expect("a balance"));
    assert_eq!(values[1..], ["false", "false", "922337203685.4775807", "0.0000000", "0.0000000"]);
}

#[test]
fn an_account_says_all_that_is_its_own() {
    let v2 = AccountEntryExtensionV2 { num_sponsored: 3, num_sponsoring: 4, ..AccountEntryExtensionV2::default() };
    let v1 =
        AccountEntryExtensionV1 { liabilities: Liabilities { buying: 10_000_000, selling: 5 }, ext: AccountEntryExtensionV1Ext::V2(v2) };
    let other = stellar_strkey::ed25519::PublicKey::from_string(ISSUER).expect("G…").0;
    let account = AccountEntry {
        account_id: id(HOLDER),
        balance: 100_000_001,
        seq_num: SequenceNumber(i64::MAX),
        num_sub_entries: 2,
        flags: 3,
        home_domain: stellar_xdr::StringM::try_from("example.org").expect("short").into(),
        thresholds: Thresholds([1, 2, 3, 4]),
        signers: vec![Signer { key: SignerKey::Ed25519(Uint256(other)), weight: 10 }].try_into().expect("one"),
        ext: AccountEntryExt::V1(v1),
        ..AccountEntry::default()
    };
    let values = shown(account_values(&LedgerEntryData::Account(account.clone()), 99).expect("an account"));
    let signers = format!(r#"[{{"key":"{ISSUER}","weight":"10"}}]"#);
    let expected = [
        "10.0000001",
        "9223372036854775807",
        "2",
        "3",
        "example.org",
        "1",
        "2",
        "3",
        "4",
        "1.0000000",
        "0.0000005",
        "3",
        "4",
        &signers,
        "99",
    ];
    assert_eq!((values.len(), values), (ACCOUNT_VALUES.len(), expected.map(str::to_owned).to_vec()));
    let own = shown(balance_values(&LedgerEntryData::Account(account), 7).expect("a balance"));
    assert_eq!(own, ["10.0000001", "true", "false", "NULL", "1.0000000", "0.0000005"]);
    let plain = shown(account_values(&LedgerEntryData::Account(AccountEntry::default()), 1).expect("an account"));
    assert_eq!(plain[4], "NULL", "no home domain is none, not an empty one");
}

#[test]
fn an_entry_of_another_sort_is_no_balance_and_no_account() {
    let data = LedgerEntryData::Data(stellar_xdr::DataEntry::default());
    assert!(balance_values(&data, 7).is_err());
    let balance = rows("contract_data.jsonl").remove(0);
    let entry = LedgerEntryData::from_xdr_base64(balance["xdr"].as_str().expect("XDR"), Limits::none()).expect("XDR");
    assert!(account_values(&entry, 1).is_err());
}

#[tokio::test]
async fn a_trustline_that_is_absent_says_whether_its_account_was_there() {
    let account = LedgerEntryData::Account(AccountEntry { account_id: id(HOLDER), ..AccountEntry::default() });
    let ledger = Ledger::of(&[1]).with(1, [7]).holding(&account);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let line = |text: &str| balance_key(&usdc(), &holder(text).expect("G…"), PUBLIC).expect("a key").expect("a place");
    let keys: Vec<LedgerKey> = vec![line(HOLDER), line(BASE), item(1, 7)];
    let readings = double.connect().await.read(keys).await;
    let there: Vec<bool> = readings.iter().map(|reading| reading.as_ref().expect("a sound answer").with_instance).collect();
    assert_eq!(there, [true, false, true]);
    assert_eq!(double.calls().len(), 1, "all of it is of one response");
}
