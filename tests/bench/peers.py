"""What other rollups measured for the same work, in L1 gas and bytes.

All figures are receipts of real transactions on anvil with the calldata floor
of Osaka, one transaction per block, cold storage: Optimism's contracts 2.4.2,
Arbitrum's production BoLD contracts, Cartesi Dave 2.1.1.
"""

from typing import Final

L1_COSTS: Final[dict[str, dict[str, float]]] = {
    "l1_bytes_per_tx": {"OP span batch": 90.6, "Arbitrum brotli": 95.4},
    "l1_gas_per_tx_calldata": {"OP calldata": 3_640, "Arbitrum calldata": 3_839},
    "l1_gas_per_assertion": {
        "OP create": 516_904,
        "BoLD stakeOnNewAssertion": 165_958,
        "Dave instantiate": 179_849,
    },
    "l1_gas_per_confirmation": {"OP resolve+close+claim": 496_688, "BoLD confirm": 101_839, "Dave": 228_956},
    "l1_gas_per_withdrawal": {"OP prove+finalize": 576_891, "BoLD execute": 113_942},
}
"""Our key -> peer -> figure."""

_STEP: Final[dict[str, float]] = {
    "OP step, least": 325_306,
    "OP worst": 460_578,
    "BoLD": 1_668_789,
    "Dave": 1_050_000,
}
ONE_STEP_GAS: Final[dict[str, dict[str, float]]] = {
    f"{program}.gas": _STEP for program in ("token_transfer", "swap")
}
"""One step on L1: an instruction of MIPS or WASM, a micro-instruction of RISC-V; with the game around it."""

DISPUTES: Final = (
    {
        "peer": "OP 2.4.2",
        "honest_txs": 116,
        "honest_gas": 19_170_047,
        "total_gas": 28_754_488,
        "capital_eth": 330,
    },
    {
        "peer": "OP 1.3.1",
        "honest_txs": 114,
        "honest_gas": 19_942_826,
        "total_gas": 29_318_613,
        "capital_eth": 330,
    },
    {
        "peer": "BoLD",
        "honest_txs": 86,
        "honest_gas": 53_946_274,
        "total_gas": 100_927_080,
        "capital_eth": 4_234,
    },
    {"peer": "Dave", "honest_txs": 54, "honest_gas": 6_851_423, "total_gas": 12_392_912, "capital_eth": 0.49},
)
"""A whole dispute of one attacker who plays every move, with one who is right."""
