"""One proof of a step, checked in three ways that share as little as possible."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from challenger.output import Tick
from challenger.proof_file import InvalidProofFile, StepProof, prove
from challenger.unit_run import NoSuchUnit, open_unit, read_view
from challenger.watchtower import Watchtower
from optimistic.protocol.params import RollupParams
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.prover import Verifier
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.l1_errors import ContractReverted, L1RequestFailed
from optimistic.service.local_verifier import LocalVerifier
from optimistic.service.unit_inputs import UnknownConfiguration


class Way(StrEnum):
    """How a step is checked."""

    EXECUTION = "execution"
    """Everything is read from L1 and executed; the proof is not used."""
    WITNESS = "witness"
    """The step machine runs on the proof alone."""
    CONTRACTS = "contracts"
    """The contracts' bytecode runs on the proof in an EVM of this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one way says.

    Attributes
    ----------
    post : the machine after the step; None if the way was not taken, or refuses the proof
    agrees : whether that is what the proof claims; None if the way was not taken
    """

    way: Way
    post: Hash32 | None
    agrees: bool | None
    detail: str = ""

    def document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        post = None if self.post is None else "0x" + self.post.hex()
        return {"way": self.way.value, "post": post, "agrees": self.agrees, "detail": self.detail}


def check_rollup(proof: StepProof, params: RollupParams) -> None:
    """Raise InvalidProofFile for a step of another rollup or configuration."""
    if proof.config_hash != params.config_hash():
        raise InvalidProofFile(
            f"the step is of configuration 0x{proof.config_hash.hex()}, the deployment of "
            f"0x{params.config_hash().hex()}: name the rollup's own --deployment"
        )


def by_witness(proof: StepProof, params: RollupParams) -> Answer:
    """Run the step machine on the proof alone."""
    place = proof.step_place
    verifier = Verifier(params, lambda _: _deposit_hash(proof))
    return _answer(
        Way.WITNESS,
        proof,
        lambda: verifier.step(place.pre, place.j, place.v, place.acc, proof.witness),
    )


def by_contracts(proof: StepProof, params: RollupParams) -> Answer:
    """Run the committed bytecode of the contracts on the proof."""
    local = LocalVerifier(params, _deposit_hash(proof))
    return _answer(Way.CONTRACTS, proof, lambda: local.step(proof.step_place, proof.witness.encode()))


def by_execution(proof: StepProof, tower: Watchtower, tick: Tick) -> Answer:
    """Execute all up to the step from L1, and the step; what the proof starts from must be right as well."""
    try:
        unit = open_unit(tower, read_view(tower), proof.place, tick)
    except (NoSuchUnit, UnknownConfiguration) as error:
        return Answer(way=Way.EXECUTION, post=None, agrees=False, detail=str(error))
    own = prove(unit, proof.v, proof.config_hash)
    wrong = [
        f"{name} is 0x{mine.hex()}, the file says 0x{theirs.hex()}"
        for name, mine, theirs in (
            ("acc", own.acc, proof.acc),
            ("pre", own.pre, proof.pre),
            ("post", own.post, proof.post),
            ("depositHash", own.deposit_hash or ZERO_HASH, _deposit_hash(proof)),
        )
        if mine != theirs
    ]
    return Answer(way=Way.EXECUTION, post=own.post, agrees=not wrong, detail="; ".join(wrong))


def not_executed() -> Answer:
    """Stand for the way that needs L1."""
    detail = "skipped: needs --l1-rpc-url; that the unit has this step is not checked"
    return Answer(way=Way.EXECUTION, post=None, agrees=None, detail=detail)


def _answer(way: Way, proof: StepProof, step: Callable[[], Hash32]) -> Answer:
    try:
        post = step()
    except (InvalidWitness, ContractReverted, L1RequestFailed) as error:
        return Answer(way=way, post=None, agrees=False, detail=f"refused: {error}")
    agrees = post == proof.post
    detail = "" if agrees else f"the file says 0x{proof.post.hex()}"
    return Answer(way=way, post=post, agrees=agrees, detail=detail)


def _deposit_hash(proof: StepProof) -> Hash32:
    return proof.deposit_hash or ZERO_HASH
