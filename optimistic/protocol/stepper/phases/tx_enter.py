"""TX_ENTER: make the top frame of a transaction or deposit."""

from dataclasses import replace

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.phases.parts import tx_of
from optimistic.protocol.stepper.precompiles import precompile_at
from optimistic.protocol.stepper.state import EMPTY_VIEW, Frame, FrameKind, Machine, View
from optimistic.protocol.stepper.transfers import move
from optimistic.protocol.stepper.world import journal_of, open_account
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase


def tx_enter(be: Backend, m: Machine) -> None:
    """Enter the called account, or the creation.

    Asks of a creation: the initcode (range; none if empty). Of a call: the target (proof);
    if it moves ether to another account, the sender and the target again (proof each).
    """
    tx = tx_of(m)
    if tx.is_create:
        code_hash = be.keep_code(be.read_view(tx.data, 0, tx.data.length))
        m.frame = _top_frame(be, m, FrameKind.CREATE, code_hash, EMPTY_VIEW)
        m.phase = Phase.CREATE_ENTER
        return
    _, target = open_account(be, journal_of(m).state_root, tx.target)
    m.frame = _top_frame(be, m, FrameKind.CALL, target.code_hash, tx.data)
    m.phase = Phase.PRECOMPILE if m.frame.precompile else Phase.EXEC
    if tx.value and tx.target != tx.sender:
        _transfer(be, m)


def _top_frame(be: Backend, m: Machine, kind: FrameKind, code_hash: Hash32, calldata: View) -> Frame:
    """Return the frame at depth 0, whose snapshot is the present journal."""
    tx = tx_of(m)
    return Frame(
        parent=ZERO_HASH,
        snapshot=journal_of(m),
        depth=0,
        kind=kind,
        is_static=False,
        address=tx.target,
        caller=tx.sender,
        value=tx.value,
        code_hash=code_hash,
        precompile=precompile_at(tx.target) if kind is FrameKind.CALL else 0,
        calldata=calldata,
        gas=tx.gas_limit - tx.intrinsic_gas,
        memory=be.new_memory(),
        out_offset=0,
        out_length=0,
    )


def _transfer(be: Backend, m: Machine) -> None:
    """Move the value from the sender, who has it, to the target."""
    tx, journal = tx_of(m), journal_of(m)
    payer = open_account(be, journal.state_root, tx.sender)
    m.journal = replace(journal, state_root=move(be, payer, tx.target, tx.value))
