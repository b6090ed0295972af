"""The matching engine: one market, one writer, integer ticks and lots, no clock and no chance.

The same commands give the same events, in the same order, on every machine.

Source: docs/spec/12-matching.md
"""
