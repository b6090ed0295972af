"""A rollup on anvil without daemons: contracts, one batch of contracts and three transactions to fight about.

anvil mines each L1 transaction in a block of its own, by the rules of Osaka with their calldata floor.
"""

import itertools
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from challenger.config import ChallengerConfig, Mode
from challenger.model import Draft
from challenger.watchtower import Watchtower, Wiring
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.commitment import Tree
from optimistic.protocol.constants import CREATE2_FACTORY
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address
from optimistic.service.contracts import AssertionChain, Bridge, DisputeGame, Inbox
from optimistic.service.deployer import Roles, deploy
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.one_shot import OneShotSender
from optimistic.service.signer import Signer
from scripts.staging.direct_traces import DirectTraces
from scripts.staging.lies import states_of
from scripts.staging.onlooker import Onlooker
from tests.bench.osp_programs import calldata, runtime_codes
from tests.helpers.anvil import Anvil
from tests.helpers.assembly import asm

ETHER: Final = 10**18
PERIOD_S: Final = 7 * 86_400 // 2
"""T of the public profiles."""
SEQUENCER, DEPLOYER, USER, HONEST, LIAR = range(5)
RESERVE: Final = 10**24
SPENDER_SLOT, BALANCE_SLOT, SUPPLY_SLOT = 1, 0, 2
LONG_GAS: Final = 5_000_000
"""For the longest transaction: more than 32^4 steps, so that its trace has five levels."""
LONG_HASH_BYTES: Final = 65_536


def signer_of(number: int) -> Signer:
    """Return the account of a number; the stage gives it ether."""
    return Signer(keccak256(b"an account of the bench" + number.to_bytes(4, "big")))


class DisputeStage:
    """One rollup at one arity; use it as a context manager.

    Attributes
    ----------
    units : name of a transaction -> its unit in the one batch
    """

    def __init__(self, log_arity: int, folder: Path) -> None:
        self._stack = ExitStack()
        self.anvil = self._stack.enter_context(Anvil("--hardfork", "osaka"))
        self.client = L1Client.connect(self.anvil.url)
        self._fund(range(LIAR + 60))
        params = replace(DEVNET, log_arity=log_arity, challenge_period_s=PERIOD_S)
        sequencer = signer_of(SEQUENCER).address
        roles = Roles(
            sequencer=sequencer, governance=ZERO_ADDRESS, guardian=ZERO_ADDRESS, fee_recipient=sequencer
        )
        self.deployment = deploy(self.client, signer_of(DEPLOYER), params, roles)
        self.deployment_file = folder / "deployment.json"
        self.deployment.save(self.deployment_file)
        contracts = self.deployment.contracts
        self.chain = AssertionChain(self.client, contracts.assertion_chain)
        self.game = DisputeGame(self.client, contracts.dispute_game)
        self.eyes = Onlooker(self.client, self.deployment)
        inbox, bridge = Inbox(self.client, contracts.inbox), Bridge(self.client, contracts.bridge)
        self.units = self._post_batch(inbox, bridge)
        self._know(folder / "knowing")
        self._start = self.anvil.rpc("evm_snapshot")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def rewind(self) -> None:
        """Go back to when only the batch was there."""
        self.anvil.rpc("evm_revert", self._start)
        self._start = self.anvil.rpc("evm_snapshot")

    @property
    def now(self) -> int:
        """L1 time."""
        return self.client.head().timestamp

    def skip_to(self, time_s: int) -> None:
        """Let L1 time pass until then."""
        if time_s > self.now:
            self.anvil.advance_time(time_s - self.now)

    def send(self, who: int, call: Call) -> Receipt:
        """Send an L1 transaction."""
        return OneShotSender(self.client, signer_of(who)).send(call)

    def own_units(self) -> Tree:
        """Return the right unit tree."""
        tree = self.right.units()
        assert tree is not None, "the batch is replayed"
        return tree

    # ------------------------------------------------------------------------------ figures

    def t0(self) -> int:
        """Return when the first assertion about the batch was made."""
        return self.chain.assertion(self.draft.parent, at="latest").t0

    def live_children(self) -> int:
        """Return how many assertions about the batch are alive."""
        return self.chain.assertion(self.draft.parent, at="latest").live_children

    def balance(self, who: int) -> int:
        """Return an account's wei."""
        return self.client.balance_wei(signer_of(who).address, "latest")

    def calldata_of(self, receipts: Iterable[Receipt]) -> int:
        """Return the bytes of calldata of transactions."""
        hashes = ("0x" + receipt.tx_hash.hex() for receipt in receipts)
        return sum(
            len(self.anvil.rpc("eth_getTransactionByHash", hash_)["input"]) // 2 - 1 for hash_ in hashes
        )

    def gas_of(self, act: Callable[[], None]) -> int:
        """Return the gas of all blocks that an act makes."""
        first = self.client.head().number + 1
        act()
        numbers = range(first, self.client.head().number + 1)
        blocks = (self.anvil.rpc("eth_getBlockByNumber", hex(number), False) for number in numbers)
        return sum(int(block["gasUsed"], 16) for block in blocks)

    def n_steps(self, case: str) -> int:
        """Return how many steps a transaction takes."""
        return len(states_of(self._steps(case)))

    def first_sub_step(self, case: str) -> int:
        """Return the first step that hashes a chunk of a longer range: it costs most on L1."""
        return next(v for v in range(200) if len(self.right.witness(self.units[case], v) or b"") > 8_000)

    def kill_unopened(self, who: int) -> None:
        """Kill the newcomers that opened no dispute with the right assertion."""
        block = self.client.head()
        if block.timestamp < self.t0() + PERIOD_S:
            return
        look = self.eyes.look(signer_of(who).address)
        own = look.asserted[self.draft.id]
        for rival in look.siblings(own.id):
            is_live = self.chain.assertion(rival.id, at=block.hash).status is AssertionStatus.LIVE
            if rival.seq > own.seq and is_live and not self.game.is_open(own.id, rival.id, at=block.hash):
                self.send(who, self.chain.kill_unopened_call(own.id, rival.id))

    def _steps(self, case: str) -> Tree:
        tree = self.right.steps(self.units[case])
        assert tree is not None, "it is worked out at once"
        return tree

    # ------------------------------------------------------------------------------ setting up

    def _fund(self, numbers: range) -> None:
        for number in numbers:
            address = "0x" + signer_of(number).address.hex()
            self.anvil.rpc("anvil_setBalance", address, hex(10_000 * ETHER))

    def _post_batch(self, inbox: Inbox, bridge: Bridge) -> dict[str, int]:
        """Post one batch: a deposit, then all transactions in one block; return where the named ones are."""
        user = signer_of(USER).address
        self.send(USER, bridge.deposit_call(to=user, value=100 * ETHER, gas_limit=21_000))
        setup, named = _transactions(signer_of(USER))
        raws = [*setup, *named.values()]
        data = encode_batch([BlockInput(timestamp=self.now, n_deposits=1, transactions=tuple(raws))])
        self.anvil.advance_time(60)
        budgets = inbox.available_budgets(at="latest")
        call = inbox.append_batch_call(index=0, prev_acc=ZERO_HASH, data=data, deposit_end=1, budgets=budgets)
        self.send(SEQUENCER, call)
        # Units of a batch: it begins, a block begins, the deposit; then the transactions.
        return {name: 3 + len(setup) + i for i, name in enumerate(named)}

    def _know(self, folder: Path) -> None:
        """Replay the batch as a watchtower does, from L1 alone."""
        config = ChallengerConfig(
            l1_rpc_url=self.anvil.url,
            deployment=self.deployment_file,
            data_dir=folder,
            mode=Mode.WATCH_ONLY,
            l1_confirmations=0,
        )
        tower = Watchtower(config, Wiring(), None)
        self._stack.callback(tower.close)
        tower.catch_up()
        findings = tower.monitor.findings
        assert findings is not None, "L1 was read"
        self.draft: Draft = next(iter(findings.known.drafts.values()))
        self.right = DirectTraces(tower, self.draft.from_batch, self.draft.to_batch)


# ---------------------------------------------------------------------------------- transactions


def _transactions(user: Signer) -> tuple[list[bytes], dict[str, bytes]]:
    """Return the transactions that set the contracts up, and those to fight about, by name."""
    nonces = itertools.count(1)  # the deposit was the first
    tokens = [create_address(user.address, nonce) for nonce in (1, 2)]
    router = create_address(user.address, 3)
    pair_code = _initcode(runtime_codes()["PlainPair"], _pair_storage(tokens))
    pair = _pair_address(tokens, pair_code)

    def sign(to: Address | None, data: bytes, gas: int) -> bytes:
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": DEVNET.l2_chain_id,
            "nonce": next(nonces),
            "to": to,
            "gas": gas,
            "value": 0,
            "data": data,
            "maxFeePerGas": 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
        return user.sign_transaction(fields if to is not None else {**fields, "to": b""})[0]

    token_storage = _token_storage(user.address, pair, router)
    token_code = _initcode(runtime_codes()["PlainToken"], token_storage)
    setup = [sign(None, token_code, 4_000_000) for _ in tokens]
    setup.append(sign(None, _initcode(_router_code(pair_code), {}), 4_000_000))
    setup.append(sign(CREATE2_FACTORY, _salt(tokens) + pair_code, 4_000_000))
    setup.append(sign(None, _initcode(_long_code(), {}), 1_000_000))
    long_ = create_address(user.address, 5)
    transfer = calldata("transfer(address,uint256)", signer_of(HONEST).address, ETHER)
    swap = calldata(
        "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
        *(ETHER, 1, tokens, user.address, 1 << 40),
    )
    named = {
        "erc20": sign(tokens[0], transfer, 200_000),
        "swap": sign(router, swap, 400_000),
        "worst": sign(long_, b"", LONG_GAS),
    }
    return setup, named


def _initcode(runtime: bytes, storage: dict[int, int]) -> bytes:
    """Return initcode that writes storage and leaves `runtime`."""
    writes = b"".join(
        bytes([Op.PUSH32]) + value.to_bytes(32, "big") + bytes([Op.PUSH32]) + slot.to_bytes(32, "big")
        + bytes([Op.SSTORE])
        for slot, value in storage.items()
    )  # fmt: skip
    size = len(runtime).to_bytes(2, "big")
    start = (len(writes) + 13).to_bytes(2, "big")
    tail = bytes([Op.PUSH2]) + size + bytes([Op.PUSH2]) + start + bytes([Op.PUSH0, Op.CODECOPY])
    tail += bytes([Op.PUSH2]) + size + bytes([Op.PUSH0, Op.RETURN])
    assert len(tail) == 13
    return writes + tail + runtime


def _token_storage(user: Address, pair: Address, router: Address) -> dict[int, int]:
    return {
        _mapping_slot(user, BALANCE_SLOT): RESERVE,
        _mapping_slot(pair, BALANCE_SLOT): RESERVE,
        _mapping_slot(router, _mapping_slot(user, SPENDER_SLOT)): RESERVE,
        SUPPLY_SLOT: 2 * RESERVE,
    }


def _pair_storage(tokens: list[Address]) -> dict[int, int]:
    first, second = sorted(tokens)
    reserves = 1 << 224 | RESERVE << 112 | RESERVE
    numbers = (int.from_bytes(first, "big"), int.from_bytes(second, "big"))
    return {0: numbers[0], 1: numbers[1], 2: reserves, 3: 1 << 120, 4: 1 << 120, 5: 1, 6: RESERVE}


def _mapping_slot(key: Address, slot: int) -> int:
    return int.from_bytes(keccak256(bytes(12) + key + slot.to_bytes(32, "big")), "big")


def _salt(tokens: list[Address]) -> bytes:
    return keccak256(b"".join(sorted(tokens)))


def _pair_address(tokens: list[Address], pair_code: bytes) -> Address:
    return Address(keccak256(b"\xff" + CREATE2_FACTORY + _salt(tokens) + keccak256(pair_code))[12:])


def _router_code(pair_code: bytes) -> bytes:
    """Return the router's code for pairs that the CREATE2 factory of the rollup makes."""
    code = runtime_codes()["PlainRouter"]
    for old, new in (
        (b"\xfa" * 20, CREATE2_FACTORY),
        (keccak256(b"initcode of a pair"), keccak256(pair_code)),
    ):
        assert old in code, "the compiler keeps the constant as it is"
        code = code.replace(old, new)
    return code


@cache
def _long_code() -> bytes:
    """Return code that hashes more than one chunk and then spends all gas on jumps: the longest trace."""
    size = LONG_HASH_BYTES.to_bytes(3, "big")
    head = bytes([Op.PUSH3]) + size + bytes([Op.PUSH0, Op.KECCAK256, Op.POP])
    return head + asm(Op.JUMPDEST) + bytes([Op.PUSH1, len(head), Op.JUMP])
