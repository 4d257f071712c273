-- The tables of an example lending application, as a Supabase project would have them. The specs beside this file
-- map them; trueup itself never creates or alters a table outside schema `trueup`.

CREATE TYPE public.loan_status AS ENUM ('pending', 'active', 'completed', 'defaulted');

CREATE TABLE public.profiles (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    wallet     text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.loans (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- 'pending-…' until the chain has given the real one.
    loan_id           text           NOT NULL UNIQUE,
    user_wallet       text           NOT NULL,
    amount            numeric(20, 7) NOT NULL,
    released          numeric(20, 7) NOT NULL DEFAULT 0,
    remaining_balance numeric(20, 7),
    status            public.loan_status NOT NULL DEFAULT 'pending',
    due_at            timestamptz,
    completed_at      timestamptz,
    tx_hash           text,
    created_at        timestamptz    NOT NULL DEFAULT now(),
    updated_at        timestamptz    NOT NULL DEFAULT now()
);

CREATE TABLE public.loan_payments (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    loan_id    text           NOT NULL REFERENCES public.loans (loan_id) DEFERRABLE INITIALLY IMMEDIATE,
    amount     numeric(20, 7) NOT NULL CHECK (amount > 0),
    created_at timestamptz    NOT NULL DEFAULT now()
);

CREATE INDEX ON public.loan_payments (loan_id);

CREATE TABLE public.liquidity_positions (
    wallet       text PRIMARY KEY,
    shares       numeric(20, 7) NOT NULL,
    deposited    numeric(20, 7) NOT NULL,
    rewards      numeric(20, 7) NOT NULL DEFAULT 0,
    tier         text           NOT NULL DEFAULT 'basic' CHECK (tier IN ('basic', 'boosted')),
    boost_bps    integer,
    locked_until timestamptz,
    updated_at   timestamptz    NOT NULL DEFAULT now()
);

CREATE TABLE public.reputation_cache (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wallet          text UNIQUE,
    score           integer NOT NULL,
    level           text    NOT NULL,
    loans_repaid    integer NOT NULL DEFAULT 0,
    loans_defaulted integer NOT NULL DEFAULT 0,
    updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.transactions (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    hash         text UNIQUE,
    operation    text        NOT NULL,
    status       text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'success', 'failed')),
    ledger       bigint,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
