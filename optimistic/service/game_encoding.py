"""The game's arguments as the ABI takes them: structs are tuples, in Solidity's order.

Twin: solidity/src/types/Dispute.sol, solidity/src/libraries/Divergences.sol
"""

from collections.abc import Sequence
from typing import Any

from optimistic.protocol.commitment import PathStep
from optimistic.protocol.dispute.actions import Claim, DivergenceProof, DuelKey, Reveal
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.types import ZERO_HASH


def key_values(key: DuelKey) -> tuple[Any, ...]:
    """Return a DuelKey."""
    return (key.older, key.newer), list(key.commitments or (ZERO_HASH, ZERO_HASH))


def claim_values(action: Claim) -> tuple[Any, ...]:
    """Return the arguments of claim and claimable."""
    return (action.older, action.newer), list(action.commitments), action.account


def divergence_values(divergence: Divergence) -> tuple[Any, ...]:
    """Return a Divergence."""
    return divergence.pre, list(divergence.nodes)


def proof_values(proof: DivergenceProof) -> tuple[Any, ...]:
    """Return a DivergenceProof."""

    def path(steps: Sequence[PathStep]) -> list[tuple[Any, ...]]:
        return [(step.end_state, list(step.siblings)) for step in steps]

    older, newer = proof.paths
    left = (proof.left.end_state, proof.left.children_root)
    return proof.index, list(proof.nodes), path(older), path(newer), left, path(proof.left_path)


def reveal_values(reveal: Reveal | None) -> tuple[Any, ...]:
    """Return a Reveal; nothing is all zero."""
    if reveal is None:
        return ZERO_HASH, [], ZERO_HASH
    return reveal.end_state, list(reveal.children), reveal.last_children_root
