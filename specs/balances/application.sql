-- What specs/balances/usdc.toml expects of an application's tables.
CREATE TABLE public.wallets (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- G… of an account, or C… of a contract account.
    address      text NOT NULL UNIQUE,
    -- NULL: no trustline.
    usdc_balance numeric(30, 7),
    -- Whether the issuer lets it send and receive.
    usdc_enabled boolean,
    updated_at   timestamptz NOT NULL DEFAULT now()
);
