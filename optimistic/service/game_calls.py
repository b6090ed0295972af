"""Moves of the game as L1 transactions: the message, its gas limit, its name, and words for people."""

from dataclasses import replace
from typing import Final

from optimistic.protocol.commitment import merkle_root, node_hash
from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    GameAction,
    Move,
    Open,
    ProveStep,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.ids import commitment_id, dispute_id, duel_id
from optimistic.protocol.types import Hash32
from optimistic.service.contracts import DisputeGame
from optimistic.service.game_readiness import GameContracts
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import BlockId, Call
from optimistic.service.names import hex_of

MAX_GAS: Final = 1 << 24
"""Most that a transaction may take (EIP-7825); every step can be proven below it."""

GAS_BOUNDS: Final = {
    Open.kind: 600_000,
    Move.kind: 400_000,
    Commit.kind: 400_000,
    Start.kind: 500_000,
    ProveStep.kind: MAX_GAS,
    Timeout.kind: 400_000,
    Settle.kind: 400_000,
    Claim.kind: 400_000,
}
"""More gas than an action of a kind takes: what a budget reserves for it."""

_STEP_MARGIN_PARTS: Final = 4


def call_of(game: DisputeGame, action: GameAction) -> Call:
    """Return the message that performs an action."""
    match action:
        case Open():
            return game.open_call(action)
        case Move():
            return game.move_call(action)
        case Commit():
            return game.commit_call(action)
        case Start():
            return game.start_call(action)
        case ProveStep():
            return game.prove_step_call(action)
        case Timeout():
            return game.timeout_call(action)
        case Settle():
            return game.settle_call(action)
        case Claim():
            return game.claim_call(action)


def gas_limit_of(contracts: GameContracts, action: GameAction, at: BlockId) -> int | None:
    """Return the gas limit an action needs, or None if an estimate with a margin will do.

    A step that runs a precompile must be able to forward four times its price, used or not, else it
    reverts: its limit is tried before it is signed.

    Raises
    ------
    TemporaryError : L1 cannot be read
    """
    if not isinstance(action, ProveStep):
        return None
    call = replace(call_of(contracts.game, action), sender=contracts.account, gas=MAX_GAS)
    try:
        estimate = contracts.client.estimate_gas(call, at)
        limit = min(MAX_GAS, estimate + estimate // _STEP_MARGIN_PARTS)
        contracts.client.call(replace(call, gas=limit), at)
    except ContractReverted:
        return MAX_GAS  # short of gas, or wrong in a way that the simulation before sending tells
    return limit


def dispute_of(action: GameAction) -> Hash32:
    """Return the dispute that an action belongs to."""
    place = action.key if isinstance(action, Move | ProveStep | Timeout) else action
    return dispute_id(place.older, place.newer)


def key_of(action: GameAction) -> str:
    """Return the name of an action's effect: the same effect never runs twice under one name."""
    parts = [action.kind, _subject(action).hex()]
    match action:
        case Move():
            parts.append(str(action.level))
        case Commit():
            parts.append("free" if action.is_free else "bond")
        case Claim():
            parts.append(action.account.hex())
        case _:
            pass
    return ":".join(parts)


def describe(action: GameAction) -> dict[str, str | int | bool | None]:
    """Return an action as plain values, for logs and for people; no name is one that log lines use."""
    place = action.key if isinstance(action, Move | ProveStep | Timeout) else action
    dispute, subject = dispute_of(action), _subject(action)
    values: dict[str, str | int | bool | None] = {
        "action": action.kind,
        "reason": action.reason,
        "older": hex_of(place.older),
        "newer": hex_of(place.newer),
        "dispute": hex_of(dispute),
    }
    if subject != dispute:
        values["commitment" if isinstance(action, Commit) else "duel"] = hex_of(subject)
    return values | _details(action) | {"deadline": action.deadline}


def _details(action: GameAction) -> dict[str, str | int | bool | None]:
    match action:
        case Open():
            return {"node_level": action.level, "index": action.proof.index}
        case Move():
            return {"side": action.side.name.lower(), "node_level": action.level}
        case Commit():
            side = action.side.name.lower()
            return {"side": side, "depth": action.depth, "bond_wei": action.bond_wei}
        case ProveStep():
            return {"witness_bytes": len(action.witness)}
        case Claim():
            return {"account": hex_of(action.account), "commitments": len(action.commitments)}
        case _:
            return {}


def _subject(action: GameAction) -> Hash32:
    """Return the object that an action changes: a dispute, a duel or a commitment."""
    dispute = dispute_of(action)
    match action:
        case Move() | ProveStep() | Timeout():
            pair = action.key.commitments
            return dispute if pair is None else duel_id(dispute, pair)
        case Start():
            return duel_id(dispute, action.commitments)
        case Commit():
            root = node_hash(action.reveal.end_state, merkle_root(action.reveal.children))
            return commitment_id(dispute, action.side, action.depth, root)
        case _:
            return dispute
