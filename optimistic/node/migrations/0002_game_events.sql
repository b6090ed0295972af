-- Events of the assertion chain and the dispute game as L1 emitted them, re-readable from L1.
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
