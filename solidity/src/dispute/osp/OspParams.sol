// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice The consensus parameters that steps read; all become immutables. Names and meaning as in
/// optimistic/protocol/params.py.
struct OspParams {
    uint256 txGasCap;
    uint256 maxTxBytes;
    /// Zero means no cap.
    uint256 precompilePriceCap;
    bool modexpOsaka;
    uint256 baseFee;
    uint256 blockGasLimit;
    address coinbase;
    uint256 maxTimeLag;
}
