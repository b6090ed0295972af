"""Which contracts show what a source file does: their calls are tried in this order."""

from typing import Final

_LIBRARIES: Final[dict[str, tuple[str, ...]]] = {
    "WordTree": ("WordTreeHarness", "MemoryHarness", "OpsMemory"),
    "Mpt": ("MptHarness", "MemoryHarness", "OpsState"),
    "MptNode": ("MptHarness", "OpsState"),
    "Rlp": ("CodecHarness", "MptHarness", "TxHarness"),
    "TotalRlp": ("TxHarness", "TxBegin"),
    "TxDecoder": ("TxHarness", "TxBegin"),
    "TxAccessList": ("TxHarness", "TxBegin"),
    "IntrinsicGas": ("TxHarness", "FrameGasHarness", "TxBegin", "BlockUnits"),
    "AccountCodec": ("CodecHarness", "OpsState"),
    "CommitmentTree": ("CommitmentTreeHarness",),
    "Keccak": ("KeccakHarness", "PendSteps"),
}
_OSP: Final[dict[str, tuple[str, ...]]] = {
    "Addresses": ("OpsCall", "TxBegin", "BlockUnits"),
    "Arithmetic": ("OpsBasic",),
    "BatchItems": ("BlockUnits", "TxBegin"),
    "BlockUnits": ("BlockUnits",),
    "CallGas": ("FrameGasHarness", "OpsCall", "OpsState"),
    "Code": ("OpsBasic", "OpsMemory", "PendSteps", "OspEntry"),
    "Machine": ("OspEntry", "OpsCall", "OpsExit", "TxBegin"),
    "OpcodeTable": ("OpcodeTableHarness", "OspEntry"),
    "OpsBasic": ("OpsBasic",),
    "OpsCall": ("OpsCall",),
    "OpsExit": ("OpsExit",),
    "OpsMemory": ("OpsMemory",),
    "OpsState": ("OpsState",),
    "OspEntry": ("OspEntry",),
    "PendSteps": ("PendSteps",),
    "PrecompileProbe": ("PrecompileHarness",),
    "PrecompileRules": ("PrecompileHarness", "OpsExit"),
    "PrecompileRunner": ("PrecompileHarness", "OpsExit"),
    "Ranges": ("OpsMemory", "PendSteps"),
    "StepGroup": ("OpsBasic", "OpsState", "OpsCall"),
    "StepRule": ("OspEntry", "BlockUnits", "OpsBasic"),
    "Steps": ("OpsBasic", "OpsMemory", "OpsCall", "OpsExit"),
    "StorageGas": ("FrameGasHarness", "OpsState"),
    "Tape": ("OpsMemory", "OpsState", "BlockUnits", "OpsExit", "OpsCall"),
    "Transfers": ("OpsCall", "OpsExit", "BlockUnits", "OpsState"),
    "TxBegin": ("TxBegin",),
    "Witness": ("OspEntry", "OpsMemory", "BlockUnits", "OpsExit"),
    "World": ("OpsState", "OpsCall", "TxBegin", "BlockUnits"),
}
TARGETS: Final[dict[str, tuple[str, ...]]] = {
    **{f"libraries/{name}": contracts for name, contracts in _LIBRARIES.items()},
    **{f"dispute/osp/{name}": contracts for name, contracts in _OSP.items()},
}
