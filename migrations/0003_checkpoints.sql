-- What a look at an entity remembers for the next look, in a form of the entity's sort: of a transaction which ledgers
-- and which answers have ruled it out so far. Written only when it changes.
ALTER TABLE trueup.entities ADD COLUMN checkpoint jsonb;

-- The bytes of the chain's side are base64 XDR, but where there are none: a transaction that expired or was superseded
-- is in no ledger, and its audit holds the evidence as JSON (docs/spec.md says how to verify it).
COMMENT ON COLUMN trueup.repairs.chain_entry IS
    'base64 XDR of the entry, or of the transaction''s result; for a transaction that no ledger holds, the evidence as JSON';
