use std::path::Path;

use trueup_chain::Method;

#[test]
fn the_client_knows_a_few_methods_and_all_of_them_read() {
    let names = Method::ALL.map(Method::as_str);
    assert_eq!(names, ["getHealth", "getNetwork", "getLedgerEntries", "getTransaction", "getEvents", "simulateTransaction"]);
}

#[test]
fn no_source_file_names_a_method_that_submits_or_signs() {
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for forbidden in ["sendTransaction", "DecoratedSignature", "SigningKey", "SecretKey", "PrivateKey", "HmacSha256"] {
            assert!(!text.contains(forbidden), "{} mentions {forbidden}", file.display());
        }
        // Method names reach the wire only through the closed enum.
        let is_the_enum = file.ends_with("rpc/method.rs");
        assert!(is_the_enum || !text.contains("\"simulateTransaction\""), "{} spells a method out", file.display());
        assert!(is_the_enum || !text.contains("\"method\": \""), "{} spells a method out", file.display());
    }
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a source folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}
