"""The pure protocol: no I/O, no clock, no randomness; integers only."""
