-- What the owner of a key wants on L1, once per idempotency key. 256-bit numbers are text.
CREATE TABLE tx_intent (
    sender BLOB NOT NULL CHECK (length(sender) = 20),
    key TEXT NOT NULL CHECK (key <> ''),
    seq INTEGER NOT NULL,
    payload_hash BLOB NOT NULL CHECK (length(payload_hash) = 32),
    target BLOB CHECK (target IS NULL OR length(target) = 20),
    data BLOB NOT NULL,
    value_wei TEXT NOT NULL,
    gas_limit INTEGER,
    guarded INTEGER NOT NULL CHECK (guarded IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('queued', 'pending', 'mined', 'done')),
    nonce INTEGER,
    outcome TEXT,
    detail TEXT NOT NULL DEFAULT '',
    tx_hash BLOB CHECK (tx_hash IS NULL OR length(tx_hash) = 32),
    block_hash BLOB CHECK (block_hash IS NULL OR length(block_hash) = 32),
    block_number INTEGER,
    PRIMARY KEY (sender, key),
    CHECK ((state = 'done') = (outcome IS NOT NULL)),
    CHECK ((state IN ('pending', 'mined')) <= (nonce IS NOT NULL)),
    CHECK ((state = 'mined') <= (block_hash IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX tx_intent_open ON tx_intent (sender, state, nonce, seq);

-- Every signed transaction handed out for an intent, stored before it is sent.
CREATE TABLE tx_attempt (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    sender BLOB NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    nonce INTEGER NOT NULL CHECK (nonce >= 0),
    raw BLOB NOT NULL,
    gas_limit INTEGER NOT NULL,
    max_fee_wei TEXT NOT NULL,
    tip_wei TEXT NOT NULL,
    cancels INTEGER NOT NULL CHECK (cancels IN (0, 1)),
    signed_at_ms INTEGER NOT NULL,
    FOREIGN KEY (sender, key) REFERENCES tx_intent (sender, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX tx_attempt_of ON tx_attempt (sender, key, seq);
