from eth_bloom.bloom import BloomFilter

from optimistic.node.block_builder import LaneUse, logs_bloom, ring_of
from optimistic.protocol.unit import BlockRing
from tests.helpers.chain_builder import ALICE, BOB, make_block, make_genesis, make_log


def test_logs_bloom__addresses_and_topics__as_ethereum_computes_it() -> None:
    logs = [make_log(ALICE, 1, 2), make_log(BOB), make_log(BOB, 2)]
    expected = BloomFilter()
    for log in logs:
        expected.add(log.address)
        for topic in log.topics:
            expected.add(topic)

    assert logs_bloom(logs) == int(expected).to_bytes(256, "big")
    assert logs_bloom([]) == bytes(256)


def test_lane_use__order_matters__demand_is_the_highest_point() -> None:
    use = LaneUse()

    use.add(lane_demand=100, execution_gas=10)
    use.add(lane_demand=50, execution_gas=50)
    use.add(lane_demand=60, execution_gas=0)

    assert (use.gas, use.demand) == (60, 120)
    assert use.demand_with(100) == 160


def test_ring_of__last_256_blocks__equals_the_incremental_ring() -> None:
    blocks = [make_genesis()]
    ring = BlockRing.empty().with_block(0, blocks[0].hash)
    for _ in range(300):
        block = make_block(blocks[-1]).block
        blocks.append(block)
        ring = ring.with_block(block.number, block.hash)

    assert ring_of(blocks[-256:]).root == ring.root
    assert ring_of(blocks[:10]).lookup(10, 3) == blocks[3].hash
