"""Processes that take part in the exchange from outside: price signers, keepers, market makers.

None of them is trusted: whoever runs another one has the same rights.
"""
