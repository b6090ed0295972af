-- Events of the rollup's contracts as L1 emitted them: the input of everything, re-readable from L1.
CREATE TABLE l1_log (
    block_number INTEGER NOT NULL CHECK (block_number >= 0),
    log_index INTEGER NOT NULL CHECK (log_index >= 0),
    block_hash BLOB NOT NULL CHECK (length(block_hash) = 32),
    tx_hash BLOB NOT NULL CHECK (length(tx_hash) = 32),
    tx_index INTEGER NOT NULL CHECK (tx_index >= 0),
    address BLOB NOT NULL CHECK (length(address) = 20),
    topics BLOB NOT NULL CHECK (length(topics) % 32 = 0),
    data BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT;

-- What the replay of a batch gave, under a hash of everything the replay read.
CREATE TABLE replayed_batch (
    input_hash BLOB PRIMARY KEY CHECK (length(input_hash) = 32),
    batch_index INTEGER NOT NULL CHECK (batch_index >= 0),
    end_leaf BLOB NOT NULL CHECK (length(end_leaf) = 32),
    -- Root of the batch's subtree and the leaves below it; absent where a snapshot was imported.
    top_hash BLOB CHECK (top_hash IS NULL OR length(top_hash) = 32),
    leaves BLOB CHECK (leaves IS NULL OR length(leaves) % 32 = 0),
    -- State to resume from: the unit as JSON and 256 block hashes; kept for recent batches only.
    unit TEXT,
    ring BLOB CHECK (ring IS NULL OR length(ring) = 8192),
    CHECK ((top_hash IS NULL) = (leaves IS NULL)),
    CHECK ((unit IS NULL) = (ring IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX replayed_batch_index ON replayed_batch (batch_index);

-- What our transactions have cost, for the spending limit.
CREATE TABLE fee (
    tx_hash BLOB PRIMARY KEY CHECK (length(tx_hash) = 32),
    wei TEXT NOT NULL
) STRICT, WITHOUT ROWID;
