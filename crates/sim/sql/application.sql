-- The application under simulation, and what the simulator keeps to judge by.

CREATE TYPE public.loan_status AS ENUM ('pending', 'active', 'completed', 'defaulted', 'rejected');

-- A surrogate key, an enum, `changed`, rows that are exempt, provisional keys, a column that a trigger keeps.
CREATE TABLE public.loans (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loan_id      text           NOT NULL UNIQUE,
    wallet       text,
    amount       numeric(20, 7) NOT NULL,
    released     numeric(20, 7) NOT NULL DEFAULT 0,
    balance      numeric(20, 7),
    status       public.loan_status NOT NULL DEFAULT 'pending',
    due_at       timestamptz,
    completed_at timestamptz,
    note         text,
    is_open      boolean GENERATED ALWAYS AS (coalesce(balance, 0) > 0) STORED,
    updated_at   timestamptz    NOT NULL DEFAULT now()
);
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.updated_at = now(); RETURN new; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON public.loans FOR EACH ROW EXECUTE FUNCTION public.touch();

-- The same loans as another team keeps them: a composite key, one contract a row, jsonb, a `map` that lacks a label.
CREATE TABLE public.mirror (
    contract text           NOT NULL,
    loan_id  bigint         NOT NULL,
    state    text           NOT NULL DEFAULT 'new',
    amount   numeric        NOT NULL,
    details  jsonb,
    hidden   boolean        NOT NULL DEFAULT false,
    PRIMARY KEY (contract, loan_id)
);
CREATE TABLE public.known_loans (contract text NOT NULL, loan_id bigint NOT NULL, PRIMARY KEY (contract, loan_id));

CREATE TABLE public.profiles (wallet text PRIMARY KEY);
CREATE TABLE public.positions (
    wallet       text PRIMARY KEY,
    shares       numeric(20, 7) NOT NULL,
    deposited    numeric(20, 7) NOT NULL,
    rewards      numeric(20, 7) NOT NULL DEFAULT 0,
    tier         text           NOT NULL DEFAULT 'basic' CHECK (tier IN ('basic', 'boosted')),
    boost_bps    integer,
    locked_until timestamptz,
    nickname     text
);
CREATE TABLE public.scores (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wallet          text UNIQUE,
    score           integer NOT NULL,
    level           text    NOT NULL,
    loans_repaid    integer NOT NULL DEFAULT 0,
    loans_defaulted integer NOT NULL DEFAULT 0,
    badge           text
);
CREATE TABLE public.transactions (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    hash         text UNIQUE,
    status       text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'success', 'failed', 'expired', 'superseded')),
    ledger       bigint,
    envelope     text,
    submitted_at timestamptz NOT NULL
);

-- Loans that were asked for, under made-up keys until the real ones are known, and what refers to them.
CREATE TABLE public.requests (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loan_id    text           NOT NULL UNIQUE,
    wallet     text           NOT NULL,
    amount     numeric(20, 7) NOT NULL,
    status     text           NOT NULL DEFAULT 'open',
    tx_hash    text,
    envelope   text,
    created_at timestamptz    NOT NULL
);
CREATE TABLE public.request_payments (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loan_id text   NOT NULL REFERENCES public.requests (loan_id),
    -- The row that it belongs to, whatever its key is called.
    request bigint NOT NULL
);

CREATE SCHEMA sim;

-- Every write to the application's tables: by whom, what it was, what it became.
CREATE TABLE sim.history (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text  NOT NULL,
    -- The primary key as an array of texts.
    identity   jsonb NOT NULL,
    op         text  NOT NULL,
    by_trueup  boolean NOT NULL,
    before     jsonb,
    after      jsonb,
    at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION sim.by_trueup() RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT current_setting('application_name') LIKE 'trueup%' $$;
CREATE FUNCTION sim.record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE it jsonb = to_jsonb(CASE WHEN tg_op = 'DELETE' THEN old ELSE new END);
BEGIN
    INSERT INTO sim.history (table_name, identity, op, by_trueup, before, after)
    SELECT tg_table_name, jsonb_agg(it ->> name ORDER BY ord), tg_op, sim.by_trueup(),
           CASE WHEN tg_op <> 'INSERT' THEN to_jsonb(old) END, CASE WHEN tg_op <> 'DELETE' THEN to_jsonb(new) END
    FROM unnest(tg_argv) WITH ORDINALITY AS k (name, ord);
    RETURN NULL;
END $$;

-- Tables on which writes of trueup are refused for the moment.
CREATE TABLE sim.poison (table_name text PRIMARY KEY, until timestamptz NOT NULL);
CREATE FUNCTION sim.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF sim.by_trueup() AND EXISTS (SELECT FROM sim.poison WHERE table_name = tg_table_name AND until > clock_timestamp()) THEN
        RAISE EXCEPTION 'fault: % takes no writes', tg_table_name;
    END IF;
    RETURN new;
END $$;

DO $$
DECLARE it record;
BEGIN
    FOR it IN VALUES ('loans', '''id'''), ('mirror', '''contract'', ''loan_id'''), ('positions', '''wallet'''), ('scores', '''id'''),
                     ('transactions', '''id'''), ('requests', '''id''') LOOP
        EXECUTE format('CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON public.%I FOR EACH ROW EXECUTE FUNCTION sim.refuse()', it.column1);
        EXECUTE format('CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON public.%I FOR EACH ROW EXECUTE FUNCTION sim.record(%s)',
                       it.column1, it.column2);
    END LOOP;
END $$;

-- The model: the rows that the application has made and not deleted, and what only it may write. Kept in the
-- transactions that write the rows.
CREATE TABLE sim.loans (loan_id text PRIMARY KEY, note text, completed_at timestamptz);
CREATE TABLE sim.mirror (contract text, loan_id bigint, tag text, PRIMARY KEY (contract, loan_id));
CREATE TABLE sim.positions (wallet text PRIMARY KEY, nickname text);
CREATE TABLE sim.scores (wallet text PRIMARY KEY, badge text);
CREATE TABLE sim.transactions (hash text PRIMARY KEY, submitted_at timestamptz NOT NULL);
-- What was signed and never arrived.
CREATE TABLE sim.envelopes (hash text PRIMARY KEY, source text NOT NULL, sequence bigint NOT NULL, max_time bigint);
-- What becomes of a request: `known` and `unseen` get the key that is `real`, the one by its transaction, the other by
-- its event; `twin`, `taken` and `in_flight` never get one; `failed` and `expired` are called so; `true` has it.
CREATE TABLE sim.requests (id bigint PRIMARY KEY, fate text NOT NULL, real text, created_at timestamptz NOT NULL);

-- The chain at the end, decoded by the simulator: what the columns should hold. NULL keys do not occur.
CREATE SCHEMA truth;
CREATE TABLE truth.loans (
    loan_id text PRIMARY KEY, wallet text, amount numeric, released numeric, balance numeric, status text, due_at timestamptz);
CREATE TABLE truth.mirror (contract text, loan_id bigint, state text, amount numeric, details jsonb, PRIMARY KEY (contract, loan_id));
CREATE TABLE truth.positions (
    wallet text PRIMARY KEY, shares numeric, deposited numeric, rewards numeric, tier text, boost_bps numeric, locked_until timestamptz);
CREATE TABLE truth.scores (wallet text PRIMARY KEY, score numeric, level text, loans_repaid numeric, loans_defaulted numeric);
CREATE TABLE truth.transactions (hash text PRIMARY KEY, status text, ledger numeric, closed_at timestamptz);
CREATE TABLE truth.events (
    id text PRIMARY KEY, ledger bigint, contract text, transaction text, topics text[], data text);
