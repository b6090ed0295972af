"""Publishes the unit leaves behind an assertion, so that others need not be told where it may be wrong.

Publishing is optional: a dispute works without it. An honest asserter gains
from it, as a challenger can then open at the first differing unit at once.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.constants import MAX_UNIT_LEAVES_PER_CALL, UNIT_BITS
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.contracts import AssertionChain, TreeNode, TreePathStep
from optimistic.service.l1_types import Call

_LEAF_LEVEL: Final = 0


def leaf_calls(
    contract: AssertionChain, assertion: Hash32, log_arity: int, batches: Sequence[Sequence[Hash32]]
) -> Iterator[tuple[str, Call]]:
    """Yield the messages that publish every unit leaf of an assertion, batch by batch, each with a name.

    Parameters
    ----------
    assertion : its id
    log_arity : bits per level of the unit tree
    batches : unit leaves of each batch, 32 bytes each
    """
    tree = UnitTree(log_arity, batches)
    height = (MAX_UNIT_LEAVES_PER_CALL.bit_length() - 1) // log_arity
    width = 1 << height * log_arity
    for offset, leaves in enumerate(batches):
        for start in range(0, len(leaves), width):
            first = (offset << UNIT_BITS) + start
            nodes = [
                TreeNode(end_state=state, children_root=ZERO_HASH) for state in leaves[start : start + width]
            ]
            path = [
                TreePathStep(end_state=step.end_state, siblings=step.siblings)
                for step in tree.prove(height, first >> height * log_arity)
            ]
            call = contract.publish_unit_leaves_call(assertion, _LEAF_LEVEL, first, nodes, path)
            yield f"{offset}:{start}", call
