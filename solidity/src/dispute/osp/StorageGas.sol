// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What reads and writes of storage slots cost and refund (EIP-2200, EIP-2929, EIP-3529). Twin:
/// optimistic/protocol/stepper/ops/storage.py.
library StorageGas {
    /// @dev With no more gas than this left, SSTORE fails before anything else: it must not work on a stipend.
    uint256 internal constant STIPEND = 2300;
    uint256 private constant WARM = 100;
    uint256 private constant COLD = 2100;
    uint256 private constant SET = 20_000;
    uint256 private constant RESET = 2900;
    uint256 private constant CLEAR_REFUND = 4800;

    /// @dev Gas of SLOAD.
    function load(bool wasWarm) internal pure returns (uint256) {
        return wasWarm ? WARM : COLD;
    }

    /// @dev Gas of SSTORE of `value` over `current`, where the transaction began with `original`.
    function store(uint256 original, uint256 current, uint256 value, bool wasWarm)
        internal
        pure
        returns (uint256 cost)
    {
        cost = WARM;
        if (original == current && current != value) cost = original == 0 ? SET : RESET;
        if (!wasWarm) cost += COLD;
    }

    /// @dev The refund counter after that SSTORE. What is taken back was given earlier in the transaction.
    function refundAfter(uint256 refund, uint256 original, uint256 current, uint256 value)
        internal
        pure
        returns (uint256)
    {
        if (current == value) return refund;
        if (original != 0 && current != 0 && value == 0) refund += CLEAR_REFUND;
        if (original == value) refund += (original == 0 ? SET : RESET) - WARM;
        if (original != 0 && current == 0) refund -= CLEAR_REFUND;
        return refund;
    }
}
