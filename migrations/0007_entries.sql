-- A row may be made of several entries, whose bytes are all kept.

COMMENT ON COLUMN trueup.repairs.chain_entry IS
    'What the repair rests on, in base64 XDR: the entry, or the transaction''s result. Where the row''s spec reads further entries, a JSON array: the row''s own, then those of [chain.also] in the order of the spec, null for one that is not on chain.';
