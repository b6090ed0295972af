"""The trie against the `trie` library, and its proofs against tampering."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol import mpt
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import NO_CHILD, Short, parse_node
from optimistic.protocol.strict_rlp import decode
from tests.helpers.tries import build, changes, contents, keys, reference_root, values

Outcome = bytes | None
Operation = Callable[[bytes, bytes, list[bytes]], Outcome]

OPERATIONS: list[Operation] = [
    mpt.read,
    lambda root, key, proof: mpt.upsert(root, key, b"changed", proof),
    mpt.delete,
]


def reachable(nodes: dict[bytes, bytes], root: bytes) -> set[bytes]:
    """Hashes of the stored nodes a trie consists of."""
    found = set() if root == mpt.EMPTY_ROOT else {root}
    pending = [nodes[root]] if found else []
    while pending:
        node = parse_node(pending.pop())
        refs = [node.tail] if isinstance(node, Short) and not node.is_leaf else []
        refs += [] if isinstance(node, Short) else [ref for ref in node if ref != NO_CHILD]
        for ref in refs:
            if len(ref) == 33:
                found.add(ref[1:])
            pending.append(nodes[ref[1:]] if len(ref) == 33 else ref)
    return found


@given(contents, changes)
def test_commit__any_changes__gives_the_root_and_the_nodes_of_the_trie_library(
    before: dict[bytes, bytes], change: dict[bytes, bytes | None]
) -> None:
    root, nodes = build(before)
    after = {key: value for key, value in (before | change).items() if value is not None}

    new_root, built = mpt.commit(nodes, root, change)

    assert new_root == reference_root(after)
    assert set(built) <= reachable(nodes | built, new_root)
    assert all(keccak256(raw) == digest for digest, raw in built.items())


@given(contents, changes)
def test_commit__change_by_change__equals_one_batch(
    before: dict[bytes, bytes], change: dict[bytes, bytes | None]
) -> None:
    root, nodes = build(before)
    batch_root, _ = mpt.commit(nodes, root, change)

    for key, value in change.items():
        root, built = mpt.commit(nodes, root, {key: value})
        nodes.update(built)

    assert root == batch_root


@given(contents, keys)
def test_read__proof_of_any_key__gives_its_value_or_absence(content: dict[bytes, bytes], key: bytes) -> None:
    root, nodes = build(content)

    for asked in [key, *content]:
        assert mpt.read(root, asked, mpt.prove(nodes, root, asked)) == content.get(asked)
        assert mpt.get(nodes, root, asked) == content.get(asked)


@given(contents, changes)
def test_upsert_and_delete__chained__follow_the_committer(
    content: dict[bytes, bytes], change: dict[bytes, bytes | None]
) -> None:
    root, nodes = build(content)

    for key, value in change.items():
        if value is None:
            after = mpt.delete(root, key, mpt.prove_delete(nodes, root, key))
        else:
            after = mpt.upsert(root, key, value, mpt.prove(nodes, root, key))
        root, built = mpt.commit(nodes, root, {key: value})
        nodes.update(built)
        assert after == root


@given(contents, keys, st.sampled_from(OPERATIONS), st.data())
def test_proof__any_tampering__is_refused(
    content: dict[bytes, bytes], key: bytes, operation: Operation, data: st.DataObject
) -> None:
    root, nodes = build(content)
    asked = data.draw(st.sampled_from([key, *content]))
    proof = (mpt.prove_delete if operation is mpt.delete else mpt.prove)(nodes, root, asked)

    tampered = data.draw(tamper(proof, sorted(nodes.values())))

    assert tampered != proof
    with pytest.raises(mpt.InvalidProof):
        operation(root, asked, tampered)


@st.composite
def tamper(draw: st.DrawFn, proof: list[bytes], others: list[bytes]) -> list[bytes]:
    """A proof that differs: a flipped bit, a node cut, dropped, repeated, swapped or added."""
    if not proof:
        return [draw(st.sampled_from([b"", b"\x80", b"\xc0"]))]
    place = draw(st.integers(0, len(proof) - 1))
    node = proof[place]
    position = draw(st.integers(0, len(node) * 8 - 1))
    flipped = (int.from_bytes(node, "big") ^ (1 << position)).to_bytes(len(node), "big")
    variants = [
        [*proof[:place], flipped, *proof[place + 1 :]],
        [*proof[:place], node[:-1], *proof[place + 1 :]],
        [*proof[:place], node + b"\0", *proof[place + 1 :]],
        [*proof[:place], *proof[place + 1 :]],
        [*proof[:place], node, *proof[place:]],
        [*proof, draw(st.sampled_from(others))],
    ]
    return draw(st.sampled_from(variants))


@given(st.binary(max_size=80), keys)
def test_read__root_of_arbitrary_bytes__is_refused_or_a_leaf_of_the_key(raw: bytes, key: bytes) -> None:
    try:
        value = mpt.read(keccak256(raw), key, [raw])
    except mpt.InvalidProof:
        return

    assert value is None or value in raw
    assert decode(raw)


@given(contents.filter(bool), values, st.data())
def test_prove__incomplete_store__raises_missing_node(
    content: dict[bytes, bytes], value: bytes, data: st.DataObject
) -> None:
    root, nodes = build(content)
    key = data.draw(st.sampled_from(sorted(content)))
    proof = mpt.prove(nodes, root, key)
    del nodes[keccak256(data.draw(st.sampled_from(proof)))]

    for attempt in (mpt.get, mpt.prove, mpt.prove_delete):
        with pytest.raises(mpt.MissingNode):
            attempt(nodes, root, key)
    with pytest.raises(mpt.MissingNode):
        mpt.commit(nodes, root, {key: value})
