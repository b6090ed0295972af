"""Consensus constants. Generated from spec/constants.json by scripts/gen_constants.py."""

from typing import Final

from optimistic.protocol.types import Address, Hash32


def _hash32(digits: str) -> Hash32:
    """Read 64 hex digits."""
    return Hash32(bytes.fromhex(digits))


TAG_ACC: Final = _hash32("6e9d301ebdf56df5927a0a4a50907f113beb2437c9d5293d7456f5c31c3baa00")
TAG_ASSERT: Final = _hash32("0a4325fc8024a59f295c4bb5a15bf06deb506e2c50ed360cef3903fb23590809")
TAG_BLOCK: Final = _hash32("c0a2808f04fcd261a3adc0532cbefffc3371cd99603fdc2d4aa9d2e7ab798627")
TAG_CONFIG: Final = _hash32("67efded068b2b9c24f0ff5b0e8837782c9e3bc11d6fdd2fe61b5d4549fd0029e")
TAG_DEPOSIT: Final = _hash32("4cbebfa927b6f351f7bb251c0c1efdffc2ebfbe0977597668c8d1ac68fed7d5a")
TAG_DEPOSIT_TX: Final = _hash32("b104c38f56d4f600bdcaa5279ae84b4dc31df0e0c8dd387986447e0290f6cf5d")
TAG_DESTROY: Final = _hash32("3f0e5ef7f4e7f8035d1d11d4e03bfeb6e88b32582de0996152e29c3348593938")
TAG_FRAME: Final = _hash32("6218e7157ba03b6843e36fc6742ad849732403354ffe57f19ea9888cb242e127")
TAG_GENESIS: Final = _hash32("4a8c8964ab0169dff8c130fa85ecdb01c32d304bdd542fc8953adedd386dea65")
TAG_JOURNAL: Final = _hash32("1bfd1e2519ddbcb5791f8e35b285e71b5f6739d79c8d7ffccb3a87660a55fe3e")
TAG_LOG: Final = _hash32("d3a8726a84870321b7dcab8f2acb942697dd02cc41ccc293dc3fa24c53b115b4")
TAG_MACHINE: Final = _hash32("3701c2ea054e32b7cf6d0baa2d123e48e1d360abaf2d90ae66a0ee3252df884b")
TAG_MSG: Final = _hash32("18ff654134d452f50b6b0f978e027c0cca7e3cf7a565f51371de68a69f61540d")
TAG_NODE: Final = _hash32("ec0c1928e05e7ba655b302f34afdc6f2742249b57f684c4ba4a049bd5a9e3572")
TAG_PEND: Final = _hash32("febeef6885ca2d6fa53d7b1c85c9e5cc2cfc95f922297d6ae44d0d06cd337347")
TAG_RANDAO: Final = _hash32("9e2a4c4372de2add897602377231c73d297a9b13dcb3f881e5aa14aa149134fe")
TAG_RECEIPT: Final = _hash32("26e2d03d54204cf2871641e2e5095c6ade779e6a7ace20cae86cdd4d4be43ab8")
TAG_RECORD: Final = _hash32("fd7c48d2cb7349cf8130ed35c81649a115bcbaa23d1435f338fb44d1a68a90af")
TAG_TX: Final = _hash32("c4111fa55bcba9d8d1d2ec699656f0be759f536aaa80df1bf8d92bba000a1cbf")
TAG_UNIT: Final = _hash32("96f9fe5e8f3d5be19511d2ed3b02e5ed53b5d951d656f057ac229969b2c22e20")

BATCH_VERSION: Final = 1
BATCH_BITS: Final = 10
UNIT_BITS: Final = 15
STEP_BITS: Final = 25
MAX_BATCH_BYTES: Final = 131072
MAX_DEPOSITS_PER_BATCH: Final = 4096
MAX_DEPOSIT_BYTES: Final = 65536
MAX_INITCODE_BYTES: Final = 49152
MAX_UNIT_LEAVES_PER_CALL: Final = 1024
WORD_TREE_DEPTH: Final = 16
BLOCK_RING_DEPTH: Final = 8
CHUNK_BYTES: Final = 32768
TX_BASE_GAS: Final = 21000
TX_CREATE_GAS: Final = 32000
TX_DATA_ZERO_GAS: Final = 4
TX_DATA_NONZERO_GAS: Final = 16
TX_INITCODE_WORD_GAS: Final = 2
TX_ACCESS_ADDRESS_GAS: Final = 2400
TX_ACCESS_KEY_GAS: Final = 1900

SYSTEM_RANGE_START: Final = Address(bytes.fromhex("4200000000000000000000000000000000000000"))
FEE_VAULT: Final = Address(bytes.fromhex("4200000000000000000000000000000000000011"))
MESSAGE_PASSER: Final = Address(bytes.fromhex("4200000000000000000000000000000000000016"))
ALIAS_OFFSET: Final = Address(bytes.fromhex("1111000000000000000000000000000000001111"))
CREATE2_FACTORY: Final = Address(bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c"))
MULTICALL3: Final = Address(bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11"))
