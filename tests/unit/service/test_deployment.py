import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimistic.protocol.params import DEVNET, PROFILES, InvalidParams
from optimistic.protocol.predeploys import SettlementSetup
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32
from optimistic.service.clock import FakeClock
from optimistic.service.contract import creation_call, load_abi
from optimistic.service.contracts import AssertionChain, Inbox, PrecompileProbe
from optimistic.service.deployer import Roles, deploy, deploy_dev_token
from optimistic.service.deployment import (
    Deployment,
    DeploymentMismatch,
    InvalidDeployment,
    genesis_ids,
    rollup_genesis,
    verify_against_l1,
)
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.one_step import verifier_creation
from optimistic.service.settlement_section import (
    DEV_CASH,
    InvalidToken,
    Settlement,
    SettlementRoles,
    token_decimals,
)
from optimistic.service.signer import Signer
from scripts.staging.contract_views import Views
from tests.helpers.memory_nodes import MemoryNodes

STRANGER = Address(b"\x66" * 20)


class World:
    """A rollup deployed on an in-process L1."""

    def __init__(self, profile: str = "devnet") -> None:
        l1 = EmbeddedL1(clock=FakeClock())
        self.client: L1Client = l1.client()
        self.signer = Signer(l1.keys[0])
        self.roles = Roles(
            sequencer=Address(b"\x01" * 20),
            governance=Address(b"\x02" * 20),
            guardian=Address(b"\x03" * 20),
            fee_recipient=Address(b"\x04" * 20),
        )
        self.deployment = deploy(self.client, self.signer, PROFILES[profile], self.roles, FakeClock())


@pytest.fixture(scope="module")
def world() -> World:
    return World()


# ------------------------------------------------------------------------------ deployer


def test_create_address__known_account__matches_the_rule() -> None:
    sender = Address(bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"))

    created = [create_address(sender, nonce).hex() for nonce in range(2)]

    assert created == ["cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", "343c43a37d37dff08ae8c4a11544c718abb4fcf8"]


@pytest.mark.parametrize("profile", ["devnet", "minimal", "stage1", "stage2"])
def test_deploy__each_profile__verifies_against_l1(profile: str) -> None:
    world = World(profile)

    verify_against_l1(world.deployment, world.client)

    assert world.deployment.params == PROFILES[profile]
    assert world.deployment.deploy_block == 1


def test_deploy__twice__gives_two_rollups(world: World) -> None:
    second = deploy(world.client, world.signer, DEVNET, world.roles, FakeClock())

    assert second.contracts.inbox != world.deployment.contracts.inbox
    assert second.genesis.state_root != world.deployment.genesis.state_root, "the bridge is part of genesis"
    assert second.deploy_block > world.deployment.deploy_block


def test_deploy__parameters_out_of_bounds__nothing_is_sent(world: World) -> None:
    before = world.client.head().number

    with pytest.raises(InvalidParams):
        deploy(world.client, world.signer, replace(DEVNET, gas_burst=1), world.roles, FakeClock())

    assert world.client.head().number == before


def test_deploy__genesis__is_what_the_chain_confirms(world: World) -> None:
    chain = AssertionChain(world.client, world.deployment.contracts.assertion_chain)
    genesis = world.deployment.build_genesis()

    assert chain.latest_confirmed(at="latest") == world.deployment.genesis.assertion_id
    confirmed = chain.assertion(world.deployment.genesis.assertion_id, at="latest")
    assert (confirmed.status, confirmed.end_leaf) == (AssertionStatus.CONFIRMED, genesis.end_leaf)
    assert Inbox(world.client, world.deployment.contracts.inbox).batch_count(at="latest") == 0


# ------------------------------------------------------------------------------ file


def test_deployment__saved_and_loaded__is_the_same(world: World, tmp_path: Path) -> None:
    world.deployment.save(tmp_path / "deployment.json")

    assert Deployment.load(tmp_path / "deployment.json") == world.deployment


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("configHash",), "0x" + "11" * 32, "configHash is"),
        (("params", "gas_rate"), 7, "configHash is"),
        (("params", "surprise"), 7, "malformed"),
        (("l2ChainId",), 5, "chain ids"),
        (("sequencer",), "0x1234", "not 20 bytes"),
        (("sequencer",), "zz", "malformed"),
        (("contracts", "bridge"), None, "malformed"),
        (("genesis", "endLeaf"), "0x", "not 32 bytes"),
        (("deployBlock",), "soon", "malformed"),
    ],
)
def test_deployment__broken_field__is_refused_by_name(
    world: World, path: tuple[str, ...], value: Any, problem: str
) -> None:
    values = json.loads(json.dumps(world.deployment.to_json()))
    target = values
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value

    with pytest.raises(InvalidDeployment, match=problem):
        Deployment.from_json(values)


@pytest.mark.parametrize(
    "name", ["params", "configHash", "contracts", "sequencer", "guardian", "settlement", "genesis"]
)
def test_deployment__missing_field__is_refused(world: World, name: str) -> None:
    values = {key: value for key, value in world.deployment.to_json().items() if key != name}

    with pytest.raises(InvalidDeployment, match=name):
        Deployment.from_json(values)


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff\xfe"])
def test_deployment__not_a_json_object__is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(InvalidDeployment, match=r"deployment\.json"):
        Deployment.load(path)


def test_deployment__no_file__is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDeployment, match="cannot read"):
        Deployment.load(tmp_path / "absent.json")


# ------------------------------------------------------------------------------ verification


@pytest.mark.parametrize("role", ["sequencer", "governance", "guardian"])
def test_verify__another_role__is_named(world: World, role: str) -> None:
    changed = replace(world.deployment, **{role: STRANGER})  # type: ignore[arg-type]

    with pytest.raises(DeploymentMismatch, match=role.upper()):
        verify_against_l1(changed, world.client)


def test_verify__another_contract_address__has_other_code(world: World) -> None:
    contracts = replace(world.deployment.contracts, dispute_game=world.deployment.contracts.inbox)

    with pytest.raises(DeploymentMismatch, match=r"DisputeGame at .* has other code"):
        verify_against_l1(replace(world.deployment, contracts=contracts), world.client)


def test_verify__no_contract_there__has_other_code(world: World) -> None:
    contracts = replace(world.deployment.contracts, inbox=STRANGER)

    with pytest.raises(DeploymentMismatch, match=f"Inbox at 0x{STRANGER.hex()} has other code"):
        verify_against_l1(replace(world.deployment, contracts=contracts), world.client)


@pytest.mark.parametrize(
    ("change", "getter"),
    [
        ({"gas_rate": DEVNET.gas_rate + 1}, "GAS_RATE"),
        ({"challenge_period_s": 61}, "CHALLENGE_PERIOD"),
        ({"withdrawal_rate_wei_per_s": 1}, "WITHDRAWAL_RATE"),
        ({"commitment_bond_wei": 1}, "DisputeGame.BOND"),
        ({"challenge_period_s": 61}, "DisputeGame.CHALLENGE_PERIOD"),
        ({"log_arity": 1}, "DisputeGame.LOG_ARITY"),
        ({"max_time_lag_s": 601}, "began with configuration"),
        ({"max_time_lag_s": 602}, "BlockUnits.MAX_TIME_LAG"),
        ({"max_tx_bytes": 65_535}, "TxBegin.MAX_TX_BYTES"),
        ({"modexp_osaka": False}, "OpsExit.MODEXP_OSAKA"),
    ],
)
def test_verify__other_parameters__are_named(world: World, change: dict[str, int], getter: str) -> None:
    params = replace(DEVNET, **change)  # type: ignore[arg-type]
    changed = consistent(world.deployment, params)

    with pytest.raises(DeploymentMismatch, match=getter):
        verify_against_l1(changed, world.client)


def test_verify__verifier_elsewhere__has_other_code(world: World) -> None:
    contracts = replace(world.deployment.contracts, one_step_verifier=world.deployment.contracts.inbox)

    with pytest.raises(DeploymentMismatch, match=r"OspEntry at .* has other code"):
        verify_against_l1(replace(world.deployment, contracts=contracts), world.client)


def test_verify__verifier_of_another_inbox__is_named(world: World) -> None:
    second = deploy(world.client, world.signer, DEVNET, world.roles, FakeClock())
    foreign = second.contracts.one_step_verifier
    contracts = replace(world.deployment.contracts, one_step_verifier=foreign)

    with pytest.raises(DeploymentMismatch, match=f"BlockUnits.INBOX is 0x{second.contracts.inbox.hex()}"):
        verify_against_l1(replace(world.deployment, contracts=contracts), world.client)


def test_verify__verifier_the_game_does_not_use__is_named(world: World) -> None:
    groups = [create_address(world.signer.address, i) for i in range(8)]
    sender = OneShotSender(world.client, world.signer, clock=FakeClock())
    twin = sender.send(creation_call(*verifier_creation(groups))).contract_address
    assert twin is not None
    contracts = replace(world.deployment.contracts, one_step_verifier=twin)
    expected = world.deployment.contracts.one_step_verifier

    with pytest.raises(DeploymentMismatch, match=f"^the inbox began with verifier 0x{expected.hex()}, not"):
        verify_against_l1(replace(world.deployment, contracts=contracts), world.client)


def test_verify__guard_of_another_rollup__is_named(world: World) -> None:
    second = deploy(world.client, world.signer, DEVNET, world.roles, FakeClock())
    foreign = second.contracts.precompile_guard
    contracts = replace(world.deployment.contracts, precompile_guard=foreign)

    with pytest.raises(DeploymentMismatch, match=r"Inbox.GUARD is .*Bridge.GUARD is .*PrecompileGuard.PROBE"):
        verify_against_l1(replace(world.deployment, contracts=contracts), world.client)


def test_verify__verifier_with_groups_exchanged__is_named(world: World) -> None:
    code = world.client.code(world.deployment.contracts.one_step_verifier, "latest")
    sender = OneShotSender(world.client, world.signer, clock=FakeClock())
    groups = [create_address(world.signer.address, i) for i in range(8)]
    groups[0], groups[1] = groups[1], groups[0]
    exchanged = sender.send(creation_call(*verifier_creation(groups))).contract_address
    assert exchanged is not None
    assert world.client.code(exchanged, "latest") != code
    contracts = replace(world.deployment.contracts, one_step_verifier=exchanged)

    with pytest.raises(DeploymentMismatch, match=r"OpsBasic at .* other code; OpsMemory at .* other code"):
        verify_against_l1(replace(world.deployment, contracts=contracts), world.client)


def test_probe__embedded_chain__runs_precompiles_as_expected(world: World) -> None:
    PrecompileProbe(world.client, world.deployment.contracts.precompile_probe).probe(at="latest")


def test_verify__another_l1__is_refused(world: World) -> None:
    changed = consistent(world.deployment, replace(DEVNET, l1_chain_id=5))

    with pytest.raises(DeploymentMismatch, match="chain 5"):
        verify_against_l1(changed, world.client)


def test_verify__another_fee_recipient__is_another_genesis(world: World) -> None:
    with pytest.raises(InvalidDeployment, match="end leaf"):
        verify_against_l1(replace(world.deployment, fee_recipient=ZERO_ADDRESS), world.client)


def test_build_genesis__other_end_leaf__is_refused(world: World) -> None:
    genesis = replace(world.deployment.genesis, end_leaf=Hash32(b"\x09" * 32))

    with pytest.raises(InvalidDeployment, match="0x" + "09" * 32):
        replace(world.deployment, genesis=genesis).build_genesis()


# ------------------------------------------------------------------------------ settlement


@pytest.fixture(scope="module")
def token(world: World) -> Address:
    return deploy_dev_token(world.client, world.signer, FakeClock())


@pytest.fixture(scope="module")
def trading(world: World, token: Address) -> Deployment:
    """A rollup with a cash token."""
    roles = SettlementRoles(token=token, owner=Address(b"\x0a" * 20), guardian=Address(b"\x0b" * 20))
    return deploy(world.client, world.signer, DEVNET, world.roles, FakeClock(), settlement=roles)


def test_deploy__no_token__section_is_zero_and_genesis_has_no_gateway(world: World) -> None:
    assert world.deployment.settlement == Settlement()
    assert world.deployment.settlement.setup() == SettlementSetup()


def test_deploy__token__gateway_and_unit_are_part_of_genesis(world: World, trading: Deployment) -> None:
    section = trading.settlement
    views = genesis_views(trading)

    verify_against_l1(trading, world.client)
    assert section.token_decimals == 6
    assert views.read("Collateral", "gateway") == section.gateway
    assert views.read("Collateral", "tokenUnitWad") == 10**12
    assert views.read("RiskGovernor", "owner") == section.owner
    assert views.read("RiskGovernor", "guardian") == section.guardian
    assert views.read("Ledger", "nextSubaccount") == 16
    assert Deployment.from_json(trading.to_json()) == trading


def test_deploy__an_account_as_token__is_refused_before_anything_is_sent(world: World) -> None:
    before = world.client.head().number
    roles = SettlementRoles(token=STRANGER, owner=STRANGER)

    with pytest.raises(InvalidToken, match=STRANGER.hex()):
        deploy(world.client, world.signer, DEVNET, world.roles, FakeClock(), settlement=roles)

    assert world.client.head().number == before


def test_token_decimals__contract_without_decimals__is_refused(world: World) -> None:
    with pytest.raises(InvalidToken):
        token_decimals(world.client, world.deployment.contracts.bridge)


@pytest.mark.parametrize("field", ["token", "gateway", "receipt_bond", "owner", "guardian"])
def test_verify__another_settlement_address__is_named(world: World, trading: Deployment, field: str) -> None:
    changed = with_settlement(trading, **{field: world.deployment.contracts.bridge})
    problem = {
        "token": "TokenGateway.TOKEN",
        "gateway": "TokenGateway at .* has other code",
        "receipt_bond": "ReceiptBond at .* has other code",
    }

    with pytest.raises(DeploymentMismatch, match=problem.get(field, "AssertionChain.genesisId")):
        verify_against_l1(changed, world.client)


def test_verify__other_decimals__are_named(world: World, trading: Deployment) -> None:
    with pytest.raises(DeploymentMismatch, match="the token has 6 decimals, not 8"):
        verify_against_l1(with_settlement(trading, token_decimals=8), world.client)


def test_verify__gateway_of_another_rollup__is_named(world: World, trading: Deployment) -> None:
    roles = SettlementRoles(token=trading.settlement.token, owner=trading.settlement.owner)
    second = deploy(world.client, world.signer, DEVNET, world.roles, FakeClock(), settlement=roles)
    changed = with_settlement(trading, gateway=second.settlement.gateway)

    with pytest.raises(DeploymentMismatch, match=f"BRIDGE is 0x{second.contracts.bridge.hex()}"):
        verify_against_l1(changed, world.client)


def test_verify__bond_of_another_chain__is_named(world: World, trading: Deployment) -> None:
    roles = SettlementRoles(token=trading.settlement.token, owner=trading.settlement.owner)
    params = replace(DEVNET, l2_chain_id=4_242, challenge_period_s=DEVNET.challenge_period_s + 1)
    second = deploy(world.client, world.signer, params, world.roles, FakeClock(), settlement=roles)
    changed = with_settlement(trading, receipt_bond=second.settlement.receipt_bond)

    with pytest.raises(DeploymentMismatch, match=r"L2_CHAIN_ID is 4242.*WITHDRAWAL_DELAY is 182, not 180"):
        verify_against_l1(changed, world.client)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("token", "0x1234", "settlement.token is not 20 bytes"),
        ("gateway", None, "malformed"),
        ("receiptBond", "0x1234", "settlement.receiptBond is not 20 bytes"),
        ("tokenDecimals", 19, "19 decimals"),
        ("tokenDecimals", "six", "malformed"),
    ],
)
def test_deployment__broken_settlement__is_refused_by_name(
    trading: Deployment, name: str, value: Any, problem: str
) -> None:
    values = json.loads(json.dumps(trading.to_json()))
    values["settlement"][name] = value

    with pytest.raises(InvalidDeployment, match=problem):
        Deployment.from_json(values)


def test_dev_token__anybody__mints(world: World, token: Address) -> None:
    mint = Call(to=token, data=load_abi(DEV_CASH).functions["mint"].encode((STRANGER, 5)))
    OneShotSender(world.client, world.signer, clock=FakeClock()).send(mint)

    ask = Call(to=token, data=load_abi(DEV_CASH).functions["balanceOf"].encode((STRANGER,)))
    assert int.from_bytes(world.client.call(ask, "latest"), "big") == 5


def with_settlement(deployment: Deployment, **changes: Any) -> Deployment:
    """The deployment with another section and the genesis that follows from it."""
    section = replace(deployment.settlement, **changes)
    changed = replace(deployment, settlement=section)
    genesis = rollup_genesis(
        deployment.params, deployment.contracts.bridge, deployment.fee_recipient, section
    )
    ids = genesis_ids(genesis, deployment.params, deployment.contracts.assertion_chain)
    return replace(changed, genesis=ids)


def genesis_views(deployment: Deployment) -> Views:
    """The settlement contracts at genesis."""
    genesis = deployment.build_genesis()
    return Views(MemoryNodes(genesis.nodes), genesis.state.unit.state_root)


def consistent(deployment: Deployment, params: Any) -> Deployment:
    """The deployment with other parameters and the genesis that follows from them."""
    genesis = rollup_genesis(params, deployment.contracts.bridge, deployment.fee_recipient)
    ids = genesis_ids(genesis, params, deployment.contracts.assertion_chain)
    return replace(deployment, params=params, genesis=ids)
