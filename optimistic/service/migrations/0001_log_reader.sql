-- Headers of L1 that a log reader relied on, and how far it got.
CREATE TABLE l1_header (
    reader TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    parent_hash BLOB NOT NULL CHECK (length(parent_hash) = 32),
    timestamp INTEGER NOT NULL CHECK (timestamp >= 0),
    base_fee_wei TEXT NOT NULL,
    gas_limit INTEGER NOT NULL CHECK (gas_limit >= 0),
    PRIMARY KEY (reader, number)
) STRICT, WITHOUT ROWID;
