"""Terms of the markets that are opened on stages and in tests: those of a devnet."""

from typing import Final

from optimistic.cli.devnet_market import LIMITS, MAX_AGES_S, MAX_JUMP_PIPS, QUORUM, STEPS, collateral

__all__ = ["FEED", "LIMITS", "QUORUM", "SIGNERS", "STEPS", "collateral"]

SIGNERS: Final = 4
FEED: Final = (QUORUM, MAX_JUMP_PIPS, MAX_AGES_S)
"""Signers wanted, greatest jump in millionths, greatest ages in seconds by use."""
