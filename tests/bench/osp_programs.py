"""What a dispute is most likely about: a transfer of a token, and a swap through a router.

The state is that of a small rollup: some thousand accounts, and as many holders of each token.
"""

import random
from functools import cache
from typing import Any, Final

from eth_abi.abi import encode

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address
from tests.helpers.contract_host import HELPERS, compiled
from tests.helpers.evm_world import ALICE, BOB, ETHER, Alloc, sign_tx
from tests.helpers.stepper_batch import StepperBatch, stepper_batch

ACCOUNTS: Final = 4_000
HOLDERS: Final = 4_000
TOKENS: Final = (Address(b"\x71" * 20), Address(b"\x72" * 20))
ROUTER: Final = Address(b"\x73" * 20)
DEADLINE: Final = 1 << 40
RESERVE: Final = 10**24
_BALANCE_SLOT: Final = 0
_ALLOWANCE_SLOT: Final = 1
_SUPPLY_SLOT: Final = 2
_FACTORY: Final = b"\xfa" * 20
_PAIR_INITCODE_HASH: Final = keccak256(b"initcode of a pair")


@cache
def runtime_codes() -> dict[str, bytes]:
    """Return the runtime code of each contract, by name."""
    names = ("PlainToken", "PlainPair", "PlainRouter")
    artifacts = compiled(*(HELPERS / f"{name}.sol" for name in names))
    return {
        name: bytes.fromhex(artifact["deployedBytecode"]["object"][2:])
        for name, artifact in zip(names, artifacts, strict=True)
    }


def token_transfer() -> StepperBatch:
    """Return a batch of one transfer of a token to somebody who has none yet."""
    data = calldata("transfer(address,uint256)", BOB, 10**18)
    return stepper_batch([sign_tx(to=TOKENS[0], data=data, gas=200_000, **_FEE)], world())


def swap() -> StepperBatch:
    """Return a batch of one swap of an exact amount of one token for the other."""
    data = calldata(
        "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
        *(10**18, 1, list(TOKENS), ALICE, DEADLINE),
    )
    return stepper_batch([sign_tx(to=ROUTER, data=data, gas=400_000, **_FEE)], world())


_FEE: Final[dict[str, Any]] = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2}


def calldata(signature: str, *args: Any) -> bytes:
    """Encode a call."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak256(signature.encode())[:4] + encode(types, args)


def pair_address() -> Address:
    """Return where the router expects the pair of the two tokens."""
    salt = keccak256(b"".join(TOKENS))
    return Address(keccak256(b"\xff" + _FACTORY + salt + _PAIR_INITCODE_HASH)[12:])


@cache
def world() -> dict[Address, Alloc]:
    """Return all accounts."""
    rng = random.Random(1)
    others = {Address(rng.randbytes(20)): Alloc(balance=1 + i) for i in range(ACCOUNTS)}
    codes = runtime_codes()
    pair = pair_address()
    balances = {ALICE: RESERVE, pair: RESERVE}
    tokens = {
        token: Alloc(
            nonce=1,
            code=codes["PlainToken"],
            storage={
                **{rng.getrandbits(256): 1 + i for i in range(HOLDERS)},
                **{_mapping_slot(owner, _BALANCE_SLOT): amount for owner, amount in balances.items()},
                _mapping_slot(ROUTER, _mapping_slot(ALICE, _ALLOWANCE_SLOT)): RESERVE,
                _SUPPLY_SLOT: 4 * RESERVE,
            },
        )
        for token in TOKENS
    }
    reserves = 1 << 224 | RESERVE << 112 | RESERVE
    numbers = [int.from_bytes(token, "big") for token in TOKENS]
    storage = {0: numbers[0], 1: numbers[1], 2: reserves, 3: 1 << 120, 4: 1 << 120, 5: 1, 6: RESERVE}
    return {
        **others,
        **tokens,
        ALICE: Alloc(balance=ETHER),
        ROUTER: Alloc(nonce=1, code=codes["PlainRouter"]),
        pair: Alloc(nonce=1, code=codes["PlainPair"], storage=storage),
    }


def _mapping_slot(key: Address, slot: int) -> int:
    """Return the slot of a mapping's entry."""
    return int.from_bytes(keccak256(bytes(12) + key + slot.to_bytes(32, "big")), "big")
