/// Bytes from hex digits, with or without `\x` or `0x`.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(without_prefix(text)).ok()
}

/// The hex digits without what announces them.
pub(crate) fn without_prefix(text: &str) -> &str {
    ["\\x", "0x", "0X"].into_iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}
