// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

using {price, used, multiplier, add} for DepositMeter global;

/// @notice The price of deposit gas: uint64 L1 block | uint64 gas in that block | uint128 multiplier, one slot.
/// @dev The multiplier holds for the whole block. It rises by 1/8 after a block above the target and falls by
/// 1/8 after any other block, empty ones included, down to `ONE`. Overload thus gets exponentially dear, and a
/// forced exit is only ever outbid. Each block's multiplier depends on earlier blocks alone: nobody can raise
/// the price under somebody else's deposit of the same block.
type DepositMeter is uint256;

/// @dev Fixed-point unit of the multiplier.
uint256 constant ONE = 1e9;

/// @dev After so many falls any multiplier below `CEILING` is back at `ONE`.
uint256 constant FORGET_BLOCKS = 200;

/// @dev Far above what the gas limit of any L1 block lets anybody reach.
uint256 constant CEILING = type(uint64).max;

/// @notice A meter that was last touched in `blockNumber`.
function newMeter(uint256 blockNumber, uint256 gasUsed, uint256 factor) pure returns (DepositMeter) {
    return DepositMeter.wrap(blockNumber << 192 | gasUsed << 128 | factor);
}

/// @notice The stored multiplier: that of the block in which the meter was last touched.
function multiplier(DepositMeter self) pure returns (uint256) {
    return uint128(DepositMeter.unwrap(self));
}

/// @notice Deposit gas already taken in `blockNumber`.
function used(DepositMeter self, uint256 blockNumber) pure returns (uint256) {
    return _block(self) == blockNumber ? _gas(self) : 0;
}

/// @notice The multiplier in `blockNumber`, in units of `ONE`, never below `ONE`.
function price(DepositMeter self, uint256 blockNumber, uint256 target) pure returns (uint256 factor) {
    factor = multiplier(self);
    uint256 age = blockNumber - _block(self);
    if (age == 0) return factor;
    if (age > FORGET_BLOCKS) return ONE;
    if (_gas(self) > target) {
        factor += factor / 8;
        if (factor > CEILING) factor = CEILING;
        age -= 1;
    }
    for (; age > 0 && factor > ONE; --age) {
        factor -= factor / 8;
    }
    if (factor < ONE) factor = ONE;
}

/// @notice The meter after `gasLimit` more in `blockNumber`.
function add(DepositMeter self, uint256 blockNumber, uint256 target, uint256 gasLimit) pure returns (DepositMeter) {
    return newMeter(blockNumber, self.used(blockNumber) + gasLimit, self.price(blockNumber, target));
}

function _block(DepositMeter self) pure returns (uint256) {
    return DepositMeter.unwrap(self) >> 192;
}

function _gas(DepositMeter self) pure returns (uint256) {
    return uint64(DepositMeter.unwrap(self) >> 128);
}
