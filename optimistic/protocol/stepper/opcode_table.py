"""The opcodes of Cancun. Generated from spec/opcodes.json by scripts/gen_opcodes.py."""

from enum import IntEnum
from typing import Final, NamedTuple


class Group(IntEnum):
    """What part of the machine runs an opcode."""

    BASIC = 0
    MEMORY = 1
    STATE = 2
    CALL = 3


class StaticRule(IntEnum):
    """What a static frame says to an opcode."""

    ALLOWED = 0
    FORBIDDEN = 1
    NO_VALUE = 2


class Op(IntEnum):
    """Opcodes by name."""

    STOP = 0x00
    ADD = 0x01
    MUL = 0x02
    SUB = 0x03
    DIV = 0x04
    SDIV = 0x05
    MOD = 0x06
    SMOD = 0x07
    ADDMOD = 0x08
    MULMOD = 0x09
    EXP = 0x0A
    SIGNEXTEND = 0x0B
    LT = 0x10
    GT = 0x11
    SLT = 0x12
    SGT = 0x13
    EQ = 0x14
    ISZERO = 0x15
    AND = 0x16
    OR = 0x17
    XOR = 0x18
    NOT = 0x19
    BYTE = 0x1A
    SHL = 0x1B
    SHR = 0x1C
    SAR = 0x1D
    KECCAK256 = 0x20
    ADDRESS = 0x30
    BALANCE = 0x31
    ORIGIN = 0x32
    CALLER = 0x33
    CALLVALUE = 0x34
    CALLDATALOAD = 0x35
    CALLDATASIZE = 0x36
    CALLDATACOPY = 0x37
    CODESIZE = 0x38
    CODECOPY = 0x39
    GASPRICE = 0x3A
    EXTCODESIZE = 0x3B
    EXTCODECOPY = 0x3C
    RETURNDATASIZE = 0x3D
    RETURNDATACOPY = 0x3E
    EXTCODEHASH = 0x3F
    BLOCKHASH = 0x40
    COINBASE = 0x41
    TIMESTAMP = 0x42
    NUMBER = 0x43
    PREVRANDAO = 0x44
    GASLIMIT = 0x45
    CHAINID = 0x46
    SELFBALANCE = 0x47
    BASEFEE = 0x48
    BLOBHASH = 0x49
    BLOBBASEFEE = 0x4A
    POP = 0x50
    MLOAD = 0x51
    MSTORE = 0x52
    MSTORE8 = 0x53
    SLOAD = 0x54
    SSTORE = 0x55
    JUMP = 0x56
    JUMPI = 0x57
    PC = 0x58
    MSIZE = 0x59
    GAS = 0x5A
    JUMPDEST = 0x5B
    TLOAD = 0x5C
    TSTORE = 0x5D
    MCOPY = 0x5E
    PUSH0 = 0x5F
    PUSH1 = 0x60
    PUSH2 = 0x61
    PUSH3 = 0x62
    PUSH4 = 0x63
    PUSH5 = 0x64
    PUSH6 = 0x65
    PUSH7 = 0x66
    PUSH8 = 0x67
    PUSH9 = 0x68
    PUSH10 = 0x69
    PUSH11 = 0x6A
    PUSH12 = 0x6B
    PUSH13 = 0x6C
    PUSH14 = 0x6D
    PUSH15 = 0x6E
    PUSH16 = 0x6F
    PUSH17 = 0x70
    PUSH18 = 0x71
    PUSH19 = 0x72
    PUSH20 = 0x73
    PUSH21 = 0x74
    PUSH22 = 0x75
    PUSH23 = 0x76
    PUSH24 = 0x77
    PUSH25 = 0x78
    PUSH26 = 0x79
    PUSH27 = 0x7A
    PUSH28 = 0x7B
    PUSH29 = 0x7C
    PUSH30 = 0x7D
    PUSH31 = 0x7E
    PUSH32 = 0x7F
    DUP1 = 0x80
    DUP2 = 0x81
    DUP3 = 0x82
    DUP4 = 0x83
    DUP5 = 0x84
    DUP6 = 0x85
    DUP7 = 0x86
    DUP8 = 0x87
    DUP9 = 0x88
    DUP10 = 0x89
    DUP11 = 0x8A
    DUP12 = 0x8B
    DUP13 = 0x8C
    DUP14 = 0x8D
    DUP15 = 0x8E
    DUP16 = 0x8F
    SWAP1 = 0x90
    SWAP2 = 0x91
    SWAP3 = 0x92
    SWAP4 = 0x93
    SWAP5 = 0x94
    SWAP6 = 0x95
    SWAP7 = 0x96
    SWAP8 = 0x97
    SWAP9 = 0x98
    SWAP10 = 0x99
    SWAP11 = 0x9A
    SWAP12 = 0x9B
    SWAP13 = 0x9C
    SWAP14 = 0x9D
    SWAP15 = 0x9E
    SWAP16 = 0x9F
    LOG0 = 0xA0
    LOG1 = 0xA1
    LOG2 = 0xA2
    LOG3 = 0xA3
    LOG4 = 0xA4
    CREATE = 0xF0
    CALL = 0xF1
    CALLCODE = 0xF2
    RETURN = 0xF3
    DELEGATECALL = 0xF4
    CREATE2 = 0xF5
    STATICCALL = 0xFA
    REVERT = 0xFD
    SELFDESTRUCT = 0xFF


class OpcodeRow(NamedTuple):
    """What is known of an opcode before it runs: its constant gas, the stack items it reads and leaves."""

    name: str
    gas: int
    pops: int
    pushes: int
    static: StaticRule
    group: Group


_ROWS: Final[dict[int, OpcodeRow]] = {
    Op.STOP: OpcodeRow("STOP", 0, 0, 0, StaticRule.ALLOWED, Group.CALL),
    Op.ADD: OpcodeRow("ADD", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.MUL: OpcodeRow("MUL", 5, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SUB: OpcodeRow("SUB", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.DIV: OpcodeRow("DIV", 5, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SDIV: OpcodeRow("SDIV", 5, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.MOD: OpcodeRow("MOD", 5, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SMOD: OpcodeRow("SMOD", 5, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.ADDMOD: OpcodeRow("ADDMOD", 8, 3, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.MULMOD: OpcodeRow("MULMOD", 8, 3, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.EXP: OpcodeRow("EXP", 10, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SIGNEXTEND: OpcodeRow("SIGNEXTEND", 5, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.LT: OpcodeRow("LT", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.GT: OpcodeRow("GT", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SLT: OpcodeRow("SLT", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SGT: OpcodeRow("SGT", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.EQ: OpcodeRow("EQ", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.ISZERO: OpcodeRow("ISZERO", 3, 1, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.AND: OpcodeRow("AND", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.OR: OpcodeRow("OR", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.XOR: OpcodeRow("XOR", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.NOT: OpcodeRow("NOT", 3, 1, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.BYTE: OpcodeRow("BYTE", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SHL: OpcodeRow("SHL", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SHR: OpcodeRow("SHR", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SAR: OpcodeRow("SAR", 3, 2, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.KECCAK256: OpcodeRow("KECCAK256", 30, 2, 1, StaticRule.ALLOWED, Group.MEMORY),
    Op.ADDRESS: OpcodeRow("ADDRESS", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.BALANCE: OpcodeRow("BALANCE", 0, 1, 1, StaticRule.ALLOWED, Group.STATE),
    Op.ORIGIN: OpcodeRow("ORIGIN", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.CALLER: OpcodeRow("CALLER", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.CALLVALUE: OpcodeRow("CALLVALUE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.CALLDATALOAD: OpcodeRow("CALLDATALOAD", 3, 1, 1, StaticRule.ALLOWED, Group.MEMORY),
    Op.CALLDATASIZE: OpcodeRow("CALLDATASIZE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.CALLDATACOPY: OpcodeRow("CALLDATACOPY", 3, 3, 0, StaticRule.ALLOWED, Group.MEMORY),
    Op.CODESIZE: OpcodeRow("CODESIZE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.CODECOPY: OpcodeRow("CODECOPY", 3, 3, 0, StaticRule.ALLOWED, Group.MEMORY),
    Op.GASPRICE: OpcodeRow("GASPRICE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.EXTCODESIZE: OpcodeRow("EXTCODESIZE", 0, 1, 1, StaticRule.ALLOWED, Group.STATE),
    Op.EXTCODECOPY: OpcodeRow("EXTCODECOPY", 0, 4, 0, StaticRule.ALLOWED, Group.MEMORY),
    Op.RETURNDATASIZE: OpcodeRow("RETURNDATASIZE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.RETURNDATACOPY: OpcodeRow("RETURNDATACOPY", 3, 3, 0, StaticRule.ALLOWED, Group.MEMORY),
    Op.EXTCODEHASH: OpcodeRow("EXTCODEHASH", 0, 1, 1, StaticRule.ALLOWED, Group.STATE),
    Op.BLOCKHASH: OpcodeRow("BLOCKHASH", 20, 1, 1, StaticRule.ALLOWED, Group.STATE),
    Op.COINBASE: OpcodeRow("COINBASE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.TIMESTAMP: OpcodeRow("TIMESTAMP", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.NUMBER: OpcodeRow("NUMBER", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PREVRANDAO: OpcodeRow("PREVRANDAO", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.GASLIMIT: OpcodeRow("GASLIMIT", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.CHAINID: OpcodeRow("CHAINID", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.SELFBALANCE: OpcodeRow("SELFBALANCE", 5, 0, 1, StaticRule.ALLOWED, Group.STATE),
    Op.BASEFEE: OpcodeRow("BASEFEE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.BLOBHASH: OpcodeRow("BLOBHASH", 3, 1, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.BLOBBASEFEE: OpcodeRow("BLOBBASEFEE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.POP: OpcodeRow("POP", 2, 1, 0, StaticRule.ALLOWED, Group.BASIC),
    Op.MLOAD: OpcodeRow("MLOAD", 3, 1, 1, StaticRule.ALLOWED, Group.MEMORY),
    Op.MSTORE: OpcodeRow("MSTORE", 3, 2, 0, StaticRule.ALLOWED, Group.MEMORY),
    Op.MSTORE8: OpcodeRow("MSTORE8", 3, 2, 0, StaticRule.ALLOWED, Group.MEMORY),
    Op.SLOAD: OpcodeRow("SLOAD", 0, 1, 1, StaticRule.ALLOWED, Group.STATE),
    Op.SSTORE: OpcodeRow("SSTORE", 0, 2, 0, StaticRule.FORBIDDEN, Group.STATE),
    Op.JUMP: OpcodeRow("JUMP", 8, 1, 0, StaticRule.ALLOWED, Group.BASIC),
    Op.JUMPI: OpcodeRow("JUMPI", 10, 2, 0, StaticRule.ALLOWED, Group.BASIC),
    Op.PC: OpcodeRow("PC", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.MSIZE: OpcodeRow("MSIZE", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.GAS: OpcodeRow("GAS", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.JUMPDEST: OpcodeRow("JUMPDEST", 1, 0, 0, StaticRule.ALLOWED, Group.BASIC),
    Op.TLOAD: OpcodeRow("TLOAD", 100, 1, 1, StaticRule.ALLOWED, Group.STATE),
    Op.TSTORE: OpcodeRow("TSTORE", 100, 2, 0, StaticRule.FORBIDDEN, Group.STATE),
    Op.MCOPY: OpcodeRow("MCOPY", 3, 3, 0, StaticRule.ALLOWED, Group.MEMORY),
    Op.PUSH0: OpcodeRow("PUSH0", 2, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH1: OpcodeRow("PUSH1", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH2: OpcodeRow("PUSH2", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH3: OpcodeRow("PUSH3", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH4: OpcodeRow("PUSH4", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH5: OpcodeRow("PUSH5", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH6: OpcodeRow("PUSH6", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH7: OpcodeRow("PUSH7", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH8: OpcodeRow("PUSH8", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH9: OpcodeRow("PUSH9", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH10: OpcodeRow("PUSH10", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH11: OpcodeRow("PUSH11", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH12: OpcodeRow("PUSH12", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH13: OpcodeRow("PUSH13", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH14: OpcodeRow("PUSH14", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH15: OpcodeRow("PUSH15", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH16: OpcodeRow("PUSH16", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH17: OpcodeRow("PUSH17", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH18: OpcodeRow("PUSH18", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH19: OpcodeRow("PUSH19", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH20: OpcodeRow("PUSH20", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH21: OpcodeRow("PUSH21", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH22: OpcodeRow("PUSH22", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH23: OpcodeRow("PUSH23", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH24: OpcodeRow("PUSH24", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH25: OpcodeRow("PUSH25", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH26: OpcodeRow("PUSH26", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH27: OpcodeRow("PUSH27", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH28: OpcodeRow("PUSH28", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH29: OpcodeRow("PUSH29", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH30: OpcodeRow("PUSH30", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH31: OpcodeRow("PUSH31", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.PUSH32: OpcodeRow("PUSH32", 3, 0, 1, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP1: OpcodeRow("DUP1", 3, 1, 2, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP2: OpcodeRow("DUP2", 3, 2, 3, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP3: OpcodeRow("DUP3", 3, 3, 4, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP4: OpcodeRow("DUP4", 3, 4, 5, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP5: OpcodeRow("DUP5", 3, 5, 6, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP6: OpcodeRow("DUP6", 3, 6, 7, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP7: OpcodeRow("DUP7", 3, 7, 8, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP8: OpcodeRow("DUP8", 3, 8, 9, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP9: OpcodeRow("DUP9", 3, 9, 10, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP10: OpcodeRow("DUP10", 3, 10, 11, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP11: OpcodeRow("DUP11", 3, 11, 12, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP12: OpcodeRow("DUP12", 3, 12, 13, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP13: OpcodeRow("DUP13", 3, 13, 14, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP14: OpcodeRow("DUP14", 3, 14, 15, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP15: OpcodeRow("DUP15", 3, 15, 16, StaticRule.ALLOWED, Group.BASIC),
    Op.DUP16: OpcodeRow("DUP16", 3, 16, 17, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP1: OpcodeRow("SWAP1", 3, 2, 2, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP2: OpcodeRow("SWAP2", 3, 3, 3, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP3: OpcodeRow("SWAP3", 3, 4, 4, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP4: OpcodeRow("SWAP4", 3, 5, 5, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP5: OpcodeRow("SWAP5", 3, 6, 6, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP6: OpcodeRow("SWAP6", 3, 7, 7, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP7: OpcodeRow("SWAP7", 3, 8, 8, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP8: OpcodeRow("SWAP8", 3, 9, 9, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP9: OpcodeRow("SWAP9", 3, 10, 10, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP10: OpcodeRow("SWAP10", 3, 11, 11, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP11: OpcodeRow("SWAP11", 3, 12, 12, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP12: OpcodeRow("SWAP12", 3, 13, 13, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP13: OpcodeRow("SWAP13", 3, 14, 14, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP14: OpcodeRow("SWAP14", 3, 15, 15, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP15: OpcodeRow("SWAP15", 3, 16, 16, StaticRule.ALLOWED, Group.BASIC),
    Op.SWAP16: OpcodeRow("SWAP16", 3, 17, 17, StaticRule.ALLOWED, Group.BASIC),
    Op.LOG0: OpcodeRow("LOG0", 375, 2, 0, StaticRule.FORBIDDEN, Group.MEMORY),
    Op.LOG1: OpcodeRow("LOG1", 750, 3, 0, StaticRule.FORBIDDEN, Group.MEMORY),
    Op.LOG2: OpcodeRow("LOG2", 1125, 4, 0, StaticRule.FORBIDDEN, Group.MEMORY),
    Op.LOG3: OpcodeRow("LOG3", 1500, 5, 0, StaticRule.FORBIDDEN, Group.MEMORY),
    Op.LOG4: OpcodeRow("LOG4", 1875, 6, 0, StaticRule.FORBIDDEN, Group.MEMORY),
    Op.CREATE: OpcodeRow("CREATE", 32000, 3, 1, StaticRule.FORBIDDEN, Group.CALL),
    Op.CALL: OpcodeRow("CALL", 0, 7, 1, StaticRule.NO_VALUE, Group.CALL),
    Op.CALLCODE: OpcodeRow("CALLCODE", 0, 7, 1, StaticRule.ALLOWED, Group.CALL),
    Op.RETURN: OpcodeRow("RETURN", 0, 2, 0, StaticRule.ALLOWED, Group.CALL),
    Op.DELEGATECALL: OpcodeRow("DELEGATECALL", 0, 6, 1, StaticRule.ALLOWED, Group.CALL),
    Op.CREATE2: OpcodeRow("CREATE2", 32000, 4, 1, StaticRule.FORBIDDEN, Group.CALL),
    Op.STATICCALL: OpcodeRow("STATICCALL", 0, 6, 1, StaticRule.ALLOWED, Group.CALL),
    Op.REVERT: OpcodeRow("REVERT", 0, 2, 0, StaticRule.ALLOWED, Group.CALL),
    Op.SELFDESTRUCT: OpcodeRow("SELFDESTRUCT", 5000, 1, 0, StaticRule.FORBIDDEN, Group.STATE),
}
OPCODES: Final[tuple[OpcodeRow | None, ...]] = tuple(_ROWS.get(byte) for byte in range(256))
