"""The command that makes a move by hand."""

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
from optimistic.protocol.dispute.ids import duel_id
from optimistic.protocol.types import Hash32
from optimistic.service.game_calls import dispute_of


def command_of(action: GameAction) -> str:
    """Return what to type for a move; options for L1, deployment and key come on top."""
    dispute = dispute_of(action)
    match action:
        case Open(older=older, newer=newer):
            return f"challenger open 0x{older.hex()} 0x{newer.hex()}"
        case Commit(side=side):
            return f"challenger commit 0x{dispute.hex()} --side {side.name.lower()}"
        case Move(key=key):
            return f"challenger move 0x{_duel(dispute, key.commitments).hex()}"
        case Start(commitments=ids):
            return f"challenger move 0x{_duel(dispute, ids).hex()}"
        case ProveStep(key=key):
            return f"challenger prove-step --duel 0x{_duel(dispute, key.commitments).hex()} --submit"
        case Timeout(key=key):
            return f"challenger timeout 0x{_duel(dispute, key.commitments).hex()}"
        case Settle():
            return f"challenger settle 0x{dispute.hex()}"
        case Claim(account=account):
            return f"challenger claim 0x{dispute.hex()} --for 0x{account.hex()}"


def _duel(dispute: Hash32, ids: tuple[Hash32, Hash32] | None) -> Hash32:
    """Return the id of a duel; that of a walk is the dispute's."""
    return dispute if ids is None else duel_id(dispute, ids)
