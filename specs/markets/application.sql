-- The tables that the specs in this folder are about: prediction markets, and who staked what in them.

CREATE TABLE public.markets (
    slug        text PRIMARY KEY,
    status      text NOT NULL DEFAULT 'open',
    yes_pool    numeric(30, 7) NOT NULL DEFAULT 0,
    no_pool     numeric(30, 7) NOT NULL DEFAULT 0,
    -- What the application shows as the price of yes. NULL while nobody has staked.
    yes_price   numeric(9, 6),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.stakes (
    market      text NOT NULL,
    wallet      text NOT NULL,
    side        text NOT NULL,
    shares      numeric(30, 7) NOT NULL DEFAULT 0,
    -- The part of its side's pool, in percent.
    ownership   numeric(9, 4),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (market, wallet)
);
