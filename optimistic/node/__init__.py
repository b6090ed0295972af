"""The aggregator: sequencer, batcher, asserter, deriver."""
