-- A row that is to be inserted has no identity yet: what was applied to its entity before is found by its chain key.
CREATE INDEX entities_by_key ON trueup.entities (kind, chain_key);
