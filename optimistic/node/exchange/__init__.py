"""The exchange of an aggregator: takes signed orders, matches them, settles the fills on L2.

One writer: a command is checked, written to the log, applied, and only then acknowledged.
What it holds in memory is a function of the log alone.

Source: docs/spec/13-exchange.md
"""
