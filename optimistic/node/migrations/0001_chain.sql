-- Chain of one rollup as one node sees it. Bytes are raw; wei and 256-bit values are decimal text.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE blocks (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    parent_hash BLOB NOT NULL CHECK (length(parent_hash) = 32),
    timestamp INTEGER NOT NULL,
    state_root BLOB NOT NULL CHECK (length(state_root) = 32),
    receipts_acc BLOB NOT NULL CHECK (length(receipts_acc) = 32),
    prev_randao BLOB NOT NULL CHECK (length(prev_randao) = 32),
    gas_used INTEGER NOT NULL,
    logs_bloom BLOB NOT NULL CHECK (length(logs_bloom) = 256),
    deposit_cursor INTEGER NOT NULL,
    n_transactions INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    general_gas INTEGER NOT NULL,
    system_gas INTEGER NOT NULL,
    general_demand INTEGER NOT NULL,
    system_demand INTEGER NOT NULL
) STRICT;

CREATE TABLE transactions (
    block_number INTEGER NOT NULL REFERENCES blocks (number),
    tx_index INTEGER NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    raw BLOB NOT NULL,
    deposit_index INTEGER,
    sender BLOB NOT NULL CHECK (length(sender) = 20),
    recipient BLOB CHECK (length(recipient) = 20),
    nonce INTEGER NOT NULL,
    status INTEGER NOT NULL CHECK (status IN (0, 1)),
    gas_used INTEGER NOT NULL,
    cumulative_gas_used INTEGER NOT NULL,
    execution_gas INTEGER NOT NULL,
    lane INTEGER NOT NULL CHECK (lane IN (0, 1)),
    lane_demand INTEGER NOT NULL,
    contract_address BLOB CHECK (length(contract_address) = 20),
    effective_gas_price TEXT NOT NULL,
    state_root BLOB NOT NULL CHECK (length(state_root) = 32),
    first_log_index INTEGER NOT NULL,
    PRIMARY KEY (block_number, tx_index),
    CHECK ((deposit_index IS NULL) = (length(raw) > 0))
) STRICT;

CREATE TABLE logs (
    block_number INTEGER NOT NULL REFERENCES blocks (number),
    log_index INTEGER NOT NULL,
    tx_index INTEGER NOT NULL,
    address BLOB NOT NULL CHECK (length(address) = 20),
    topic0 BLOB,
    topic1 BLOB,
    topic2 BLOB,
    topic3 BLOB,
    data BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX logs_by_address ON logs (address, block_number);
CREATE INDEX logs_by_topic0 ON logs (topic0, block_number);

-- Transactions of blocks that a reorg removed, waiting to be executed again, oldest first.
CREATE TABLE requeued (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE deposits (
    deposit_index INTEGER PRIMARY KEY CHECK (deposit_index >= 0),
    sender BLOB NOT NULL CHECK (length(sender) = 20),
    is_create INTEGER NOT NULL CHECK (is_create IN (0, 1)),
    recipient BLOB NOT NULL CHECK (length(recipient) = 20),
    mint TEXT NOT NULL,
    value TEXT NOT NULL,
    gas_limit INTEGER NOT NULL,
    data BLOB NOT NULL,
    l1_timestamp INTEGER NOT NULL,
    l1_block_number INTEGER NOT NULL
) STRICT;

CREATE TABLE batches (
    batch_index INTEGER PRIMARY KEY CHECK (batch_index >= 0),
    acc BLOB NOT NULL CHECK (length(acc) = 32),
    record TEXT NOT NULL,
    data_hash BLOB NOT NULL CHECK (length(data_hash) = 32),
    l1_block_number INTEGER NOT NULL,
    l1_block_hash BLOB NOT NULL CHECK (length(l1_block_hash) = 32),
    first_block INTEGER NOT NULL,
    last_block INTEGER NOT NULL,
    n_units INTEGER NOT NULL,
    boundary_unit TEXT NOT NULL
) STRICT;

CREATE TABLE batch_payloads (
    batch_index INTEGER PRIMARY KEY REFERENCES batches (batch_index) ON DELETE CASCADE,
    data BLOB NOT NULL,
    unit_leaves BLOB NOT NULL
) STRICT;

CREATE INDEX batches_by_last_block ON batches (last_block);

CREATE TABLE assertions (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    parent BLOB NOT NULL CHECK (length(parent) = 32),
    seq INTEGER NOT NULL,
    poster BLOB NOT NULL CHECK (length(poster) = 20),
    from_batch INTEGER NOT NULL,
    to_batch INTEGER NOT NULL,
    acc BLOB NOT NULL CHECK (length(acc) = 32),
    unit_root BLOB NOT NULL CHECK (length(unit_root) = 32),
    end_leaf BLOB NOT NULL CHECK (length(end_leaf) = 32),
    children_root BLOB NOT NULL CHECK (length(children_root) = 32),
    l1_timestamp INTEGER NOT NULL,
    l1_block_number INTEGER NOT NULL,
    confirmed_at_l1_block INTEGER,
    died_at_l1_block INTEGER
) STRICT;

CREATE INDEX assertions_by_parent ON assertions (parent);
CREATE INDEX assertions_by_to_batch ON assertions (to_batch);

-- Commitments over derived batches, computed once; the accumulator fixes their content.
CREATE TABLE drafts (
    from_batch INTEGER NOT NULL,
    to_batch INTEGER NOT NULL,
    acc BLOB NOT NULL CHECK (length(acc) = 32),
    unit_root BLOB NOT NULL CHECK (length(unit_root) = 32),
    end_leaf BLOB NOT NULL CHECK (length(end_leaf) = 32),
    children_root BLOB NOT NULL CHECK (length(children_root) = 32),
    PRIMARY KEY (from_batch, to_batch, acc)
) STRICT, WITHOUT ROWID;

CREATE TABLE heads (
    label TEXT PRIMARY KEY CHECK (label IN ('unsafe', 'safe', 'finalized')),
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW placed_transactions AS
SELECT t.hash, t.block_number, b.hash AS block_hash, b.timestamp, t.tx_index, t.raw, t.deposit_index, t.sender,
       t.recipient, t.nonce,
       d.sender AS deposit_sender, d.is_create, d.recipient AS deposit_recipient, d.mint, d.value, d.gas_limit,
       d.data, d.l1_timestamp
  FROM transactions t
  JOIN blocks b ON b.number = t.block_number
  LEFT JOIN deposits d ON d.deposit_index = t.deposit_index;

CREATE VIEW placed_receipts AS
SELECT t.hash, t.block_number, b.hash AS block_hash, t.tx_index, t.deposit_index, t.sender, t.recipient, t.status,
       t.gas_used, t.cumulative_gas_used, t.effective_gas_price, t.contract_address, t.lane, t.execution_gas,
       t.state_root
  FROM transactions t
  JOIN blocks b ON b.number = t.block_number;

CREATE VIEW placed_logs AS
SELECT l.address, l.topic0, l.topic1, l.topic2, l.topic3, l.data, l.block_number, b.hash AS block_hash,
       b.timestamp, t.hash AS tx_hash, l.tx_index, l.log_index
  FROM logs l
  JOIN blocks b ON b.number = l.block_number
  JOIN transactions t ON t.block_number = l.block_number AND t.tx_index = l.tx_index;

CREATE VIEW labelled_heads AS
SELECT h.label, b.* FROM heads h JOIN blocks b ON b.number = h.number;
