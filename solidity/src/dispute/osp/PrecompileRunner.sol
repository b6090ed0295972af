// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PrecompileRules} from "./PrecompileRules.sol";

/// @notice Runs a precompile of L1 for a call on L2 that has a price and is paid for.
/// @dev The answer is L1's own or none: a call that got too little gas, or a precompile that no longer behaves as
/// the rules expect, reverts. Neither ever counts as a call that failed on L2.
library PrecompileRunner {
    /// @notice The transaction needs more gas: this much must be left where the precompile is called.
    error NotEnoughGas(uint256 gasNeeded);

    /// @notice L1's precompile is missing, changed, or dearer than four times what it was.
    error PrecompileBroken(uint256 number);

    /// @notice The output is the input, or there is no such precompile.
    error NothingToRun(uint256 number);

    /// @dev L1's price may grow to this multiple of the rollup's before a call cannot be proven.
    uint256 internal constant HEADROOM = 4;

    /// @dev Cheaper calls get gas for this price: room for a price per call that L1 does not have today.
    uint256 internal constant LEAST_PRICE = 2_500;

    /// @dev Gas for what happens between the test of the gas left and the call, generously.
    uint256 internal constant RESERVE = 20_000;

    /// @dev Run precompile `number` (1 to 10 without identity) on `head`, the input or the first `inputNeeded` bytes
    /// of it; `cost` is its price by PrecompileRules. Not ok means that the call fails on L2.
    function run(uint256 number, uint256 cost, bytes memory head) internal view returns (bool ok, bytes memory output) {
        uint256 length = outputLength(number, head);
        if (number == PrecompileRules.MODEXP && length == 0) return (true, output);

        uint256 forwarded = gasForwarded(number, cost, head);
        uint256 needed = (64 * (forwarded + RESERVE) + 62) / 63;
        if (gasleft() < needed) revert NotEnoughGas(needed);
        address target = address(uint160(number));
        uint256 returned;
        assembly ("memory-safe") {
            // all but a 64th of the gas left is at least `forwarded`, so exactly that much is given
            ok := staticcall(forwarded, target, add(head, 0x20), mload(head), 0x00, 0x00)
            returned := returndatasize()
        }

        if (!ok) {
            if (!_mayFail(number)) revert PrecompileBroken(number);
            return (false, output);
        }
        // An invalid signature is the one success without output; a missing precompile would be another.
        if (returned != length && !(number == PrecompileRules.ECRECOVER && returned == 0)) {
            revert PrecompileBroken(number);
        }
        output = new bytes(returned);
        assembly ("memory-safe") {
            returndatacopy(add(output, 0x20), 0x00, returned) // exactly the bytes just allocated
        }
    }

    /// @dev Gas the precompile gets: what it uses if it fails.
    function gasForwarded(uint256 number, uint256 cost, bytes memory head) internal pure returns (uint256) {
        if (number == PrecompileRules.MODEXP) {
            // L1 prices by EIP-7883 or will, whatever the rollup's schedule is.
            (bool fails, uint256 onOsaka) = PrecompileRules.modexpPriceOsaka(head);
            if (!fails && onOsaka > cost) cost = onOsaka;
        }
        return HEADROOM * (cost > LEAST_PRICE ? cost : LEAST_PRICE);
    }

    /// @dev Bytes a successful call returns.
    function outputLength(uint256 number, bytes memory head) internal pure returns (uint256) {
        if (number == PrecompileRules.MODEXP) return PrecompileRules.modulusLength(head);
        if (number == PrecompileRules.BN254_ADD || number == PrecompileRules.BN254_MUL) return 64;
        if (number == PrecompileRules.BLAKE2F || number == PrecompileRules.POINT_EVALUATION) return 64;
        if (number == PrecompileRules.ECRECOVER || number == PrecompileRules.BN254_PAIRING) return 32;
        if (number == PrecompileRules.SHA256 || number == PrecompileRules.RIPEMD160) return 32;
        revert NothingToRun(number);
    }

    /// @dev Whether an input that has a price can still be invalid.
    function _mayFail(uint256 number) private pure returns (bool) {
        return number == PrecompileRules.BN254_ADD || number == PrecompileRules.BN254_MUL
            || number == PrecompileRules.BN254_PAIRING || number == PrecompileRules.POINT_EVALUATION;
    }
}
