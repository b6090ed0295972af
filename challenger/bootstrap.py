"""Snapshots in and out of a watchtower, checked against what L1 confirmed."""

import os
from dataclasses import dataclass
from pathlib import Path

from challenger.model import Assertion, ChainView, Judgement
from challenger.snapshots import InvalidSnapshot, OnNode, SnapshotHeader, SnapshotReader, write_snapshot
from challenger.watchtower import Watchtower
from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.storage_errors import storage_error


class NotConfirmed(InvalidInput):
    """Snapshots are of confirmed assertions only: anything else may still turn out to be wrong."""


class L1NotRead(TemporaryError):
    """The watchtower has not read L1 up to its newest block yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """What was written or read."""

    assertion: Hash32
    to_batch: int
    state_root: Hash32
    nodes: int


def export_snapshot(tower: Watchtower, path: Path, assertion: Hash32 | None, on_node: OnNode) -> SnapshotInfo:
    """Write the state of a confirmed assertion (the last one by default); the tower has caught up.

    Raises
    ------
    NotConfirmed : it is not confirmed, or the watchtower does not find it right
    """
    findings = tower.monitor.findings
    if findings is None:
        raise L1NotRead("L1 was not read yet")
    chosen = _confirmed(findings.view, findings.view.latest_confirmed if assertion is None else assertion)
    if findings.known.judgement(chosen.id) is not Judgement.VALID or not chosen.to_batch:
        raise NotConfirmed("the assertion covers no batch, or the replay does not find it right")
    header = SnapshotHeader(
        assertion=chosen.id,
        to_batch=chosen.to_batch,
        config_hash=tower.deployment.config_hash,
        state=tower.verifier.rebuild_state(tower.loader, chosen.to_batch),
    )
    partial = path.with_name(path.name + ".part")
    try:
        nodes = write_snapshot(partial, header, tower.nodes, on_node)
        os.replace(partial, path)  # noqa: PTH105 - the atomic one, by its name
    except OSError as error:
        raise storage_error(path, error) from error
    return _info(header, nodes)


def import_snapshot(tower: Watchtower, path: Path, on_node: OnNode) -> SnapshotInfo:
    """Take over a snapshot; from then on the replay starts behind it.

    Raises
    ------
    InvalidSnapshot : the file is damaged, of another rollup, or not the state L1 confirmed
    NotConfirmed : its assertion is not confirmed
    """
    while tower.loader.refresh():
        pass
    view = tower.loader.view()
    if view is None:
        raise L1NotRead("L1 was not read yet")
    try:
        with SnapshotReader(path) as reader:
            header = reader.header()
            _check(header, view, tower.deployment.config_hash)
            nodes = reader.load_nodes(header.state.unit.state_root, tower.nodes, on_node)
    except OSError as error:
        raise InvalidSnapshot(f"cannot read {path}: {error}") from error
    last = header.to_batch - 1
    tower.store.put_state(last, view.batches[last].input_hash, header.state)
    return _info(header, nodes)


def _check(header: SnapshotHeader, view: ChainView, config_hash: Hash32) -> None:
    if header.config_hash != config_hash:
        raise InvalidSnapshot("the snapshot belongs to another rollup or another configuration")
    assertion = _confirmed(view, header.assertion)
    if assertion.to_batch != header.to_batch or not 0 < header.to_batch <= len(view.batches):
        raise InvalidSnapshot("the snapshot names another range of batches than L1")
    if assertion.end_leaf != header.end_leaf:
        raise InvalidSnapshot("the snapshot's state is not the one that L1 confirmed")


def _confirmed(view: ChainView, id_: Hash32) -> Assertion:
    assertion = view.assertions.get(id_)
    if assertion is None or assertion.status is not AssertionStatus.CONFIRMED:
        raise NotConfirmed(f"assertion 0x{id_.hex()} is not confirmed on L1 at block {view.block.number}")
    return assertion


def _info(header: SnapshotHeader, nodes: int) -> SnapshotInfo:
    return SnapshotInfo(
        assertion=header.assertion,
        to_batch=header.to_batch,
        state_root=header.state.unit.state_root,
        nodes=nodes,
    )
