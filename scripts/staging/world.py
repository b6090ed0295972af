"""A whole rollup in one process: embedded L1, aggregator, watchtower, users, one clock.

Nothing is simulated but time: the node, the watchtower and the contracts are
the ones the daemons run. Each turn moves the clock by a second, mines an L1
block and gives every part its turn.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from eth_account import Account as Wallet

from challenger.config import ChallengerConfig
from challenger.watchtower import Watchtower, Wiring
from optimistic.node.asserter import AsserterOptions
from optimistic.node.batcher import BatcherOptions
from optimistic.node.config import NodeConfig
from optimistic.node.node import Node, Signers, Surroundings
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.types import Address, Hash32
from optimistic.service.clock import FakeClock, SystemClock
from optimistic.service.contracts import AssertionChain, Bridge, Inbox
from optimistic.service.deployer import Roles, deploy, deploy_dev_token
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_section import SettlementRoles
from optimistic.service.signer import Signer
from optimistic.service.trace_workers import InlineWorker
from scripts.staging.faults import FaultPlan, lying_engines

SEQUENCER_KEY, WATCHTOWER_KEY, USER_KEY, DEPLOYER_KEY, OWNER_KEY = 0, 1, 2, 3, 4
_PATIENCE: Final = 600


class StageStuck(RuntimeError):
    """Something that the story waits for did not happen."""


class World:
    """The stage; use it as a context manager.

    Parameters
    ----------
    params : parameters of the rollup
    folder : where the daemons keep their data; a temporary one by default
    """

    def __init__(self, params: RollupParams = DEVNET, folder: Path | None = None) -> None:
        self._temporary = TemporaryDirectory() if folder is None else None
        self.folder = folder or Path(self._temporary.name if self._temporary else ".")
        self.clock = FakeClock(SystemClock().time_s())
        self.l1 = EmbeddedL1(clock=self.clock)
        self.client = self.l1.client()
        self.signers = [Signer(key) for key in self.l1.keys]
        sequencer = self.signers[SEQUENCER_KEY].address
        roles = Roles(
            sequencer=sequencer,
            governance=Address(bytes(20)),
            guardian=Address(bytes(20)),
            fee_recipient=sequencer,
        )
        deployer, owner = self.signers[DEPLOYER_KEY], self.signers[OWNER_KEY].address
        token = deploy_dev_token(self.client, deployer)
        settlement = SettlementRoles(token=token, owner=owner, guardian=owner)
        self.deployment = deploy(self.client, deployer, params, roles, settlement=settlement)
        self.deployment_file = self.folder / "deployment.json"
        self.deployment.save(self.deployment_file)
        contracts = self.deployment.contracts
        self.inbox = Inbox(self.client, contracts.inbox)
        self.assertions = AssertionChain(self.client, contracts.assertion_chain)
        self.bridge = Bridge(self.client, contracts.bridge)
        self._node: Node | None = None
        self._tower: Watchtower | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_node()
        self.stop_tower()
        if self._temporary is not None:
            self._temporary.cleanup()

    # ------------------------------------------------------------------------------ the cast

    @property
    def node(self) -> Node:
        """The running aggregator."""
        assert self._node is not None, "no aggregator runs"
        return self._node

    @property
    def tower(self) -> Watchtower:
        """The running watchtower."""
        assert self._tower is not None, "no watchtower runs"
        return self._tower

    def start_node(
        self, plan: FaultPlan | None = None, *, publish_leaves: bool = False, asserts: bool = True
    ) -> Node:
        """Start the aggregator on its data, honest or with a plan to lie; one that lies plays no disputes."""
        config = NodeConfig(
            data_dir=self.folder / "aggregator",
            durable=False,
            rpc=None,
            asserts=asserts,
            defends=plan is None,
            batcher=BatcherOptions(max_delay_s=2, max_empty_delay_s=60),
            asserter=AsserterOptions(interval_s=4, publishes_leaves=publish_leaves),
        )
        around = Surroundings(
            client=self.client,
            signers=Signers(sequencer=self.signers[SEQUENCER_KEY]),
            clock=self.clock,
            build_engine=EvmEngine if plan is None else lying_engines(plan),
            build_workers=lambda nodes, cache, _: InlineWorker(nodes, cache),
        )
        self._node = Node(self.deployment, config, around)
        return self._node

    def stop_node(self) -> None:
        """Stop the aggregator; its data stay."""
        if self._node is not None:
            self._node.close()
            self._node = None

    def start_tower(self) -> Watchtower:
        """Start the watchtower; it sees nothing but L1."""
        config = ChallengerConfig(
            l1_rpc_url="http://embedded",
            deployment=self.deployment_file,
            data_dir=self.folder / "watchtower",
            has_key=True,
            max_delay_ms=0,
            trace_workers=0,
        )
        wiring = Wiring(connect=lambda *_: self.l1.client(), clock=self.clock)
        self._tower = Watchtower(config, wiring, self.signers[WATCHTOWER_KEY])
        return self._tower

    def stop_tower(self) -> None:
        """Stop the watchtower; its data stay."""
        if self._tower is not None:
            self._tower.close()
            self._tower = None

    # ------------------------------------------------------------------------------ time

    def turn(self) -> None:
        """Let one second pass."""
        self.clock.advance(1)
        self.l1.mine()
        if self._node is not None:
            self._node.tick()
        if self._tower is not None:
            self._tower.catch_up()
            if self._tower.manager is not None:
                self._tower.manager.step()

    def turn_until(self, happened: Callable[[], bool], what: str) -> None:
        """Let time pass until something happened."""
        for _ in range(_PATIENCE):
            if happened():
                return
            self.turn()
        raise StageStuck(f"{what} did not happen within {_PATIENCE} turns")

    def skip_time(self, seconds: int) -> None:
        """Move the clock of everybody, L1 included, forward at once."""
        self.clock.advance(seconds)
        self.turn()

    # ------------------------------------------------------------------------------ users

    def send_l1(self, key: int, call: Call) -> Receipt:
        """Send an L1 transaction of a user."""
        return OneShotSender(self.client, self.signers[key], clock=self.clock).send(call)

    def send_l2(self, key: bytes, nonce: int, **fields: Any) -> Hash32:
        """Sign an L2 transaction and hand it to the aggregator; return its hash."""
        raw, tx_hash = self.sign_l2(key, nonce, **fields)
        self.node.gateway.submit(raw)
        return tx_hash

    def sign_l2(self, key: bytes, nonce: int, **fields: Any) -> tuple[bytes, Hash32]:
        """Sign an EIP-1559 transaction for L2; return its bytes and hash."""
        defaults = {
            "type": 2,
            "chainId": self.deployment.params.l2_chain_id,
            "nonce": nonce,
            "gas": 21_000,
            "value": 0,
            "data": b"",
            "maxFeePerGas": 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
        signed = Wallet.from_key(key).sign_transaction(defaults | fields)
        return bytes(signed.raw_transaction), Hash32(bytes(signed.hash))
