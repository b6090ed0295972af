"""TX_ACCESS: warm up what the access list names, one entry and four keys at a time."""

from dataclasses import replace
from typing import Final

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.phases.parts import batch_view, tx_of
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.world import touch_address, touch_slot
from optimistic.protocol.transactions import ACCESS_KEY_BYTES, access_entry_at
from optimistic.protocol.unit import Phase

KEYS_PER_STEP: Final = 4
WINDOW_BYTES: Final = 4 + 21 + 4 + KEYS_PER_STEP * ACCESS_KEY_BYTES
"""The longest beginning of an entry with its address, and the keys of one step."""


def tx_access(be: Backend, m: Machine) -> None:
    """Go on with the access list.

    Asks: the next bytes of the list (range); between two entries, the address
    (proof; none if warm by rule); up to four keys (proof each).
    """
    tx = tx_of(m)
    cursor, left = tx.access_cursor, tx.access_end - tx.access_cursor
    window = be.read_view(batch_view(m.unit, cursor, left), 0, min(left, WINDOW_BYTES))
    address, keys_end, at = tx.access_address, tx.access_keys_end, 0
    if cursor >= keys_end:
        address, at, entry_end = access_entry_at(window.ljust(left, b"\0"), 0)
        keys_end = cursor + entry_end
        touch_address(be, m, address)
    for _ in range(min(KEYS_PER_STEP, (keys_end - cursor - at) // ACCESS_KEY_BYTES)):
        key = window[at + 1 : at + ACCESS_KEY_BYTES]
        touch_slot(be, m, address, int.from_bytes(key, "big"))
        at += ACCESS_KEY_BYTES
    m.tx = replace(tx, access_cursor=cursor + at, access_keys_end=keys_end, access_address=address)
    if cursor + at == tx.access_end:
        m.phase = Phase.TX_ENTER
