-- Units about which the two engines disagree: the step machine runs them in the replay.
CREATE TABLE correction (
    input_hash BLOB NOT NULL CHECK (length(input_hash) = 32),
    unit INTEGER NOT NULL CHECK (unit > 0),
    PRIMARY KEY (input_hash, unit)
) STRICT, WITHOUT ROWID;
