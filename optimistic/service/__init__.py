"""I/O toolbox shared by the aggregator and the watchtower."""
