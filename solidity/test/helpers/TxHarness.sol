// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "../../src/libraries/Rlp.sol";
import {TotalRlp} from "../../src/libraries/TotalRlp.sol";
import {TxAccessList} from "../../src/libraries/TxAccessList.sol";
import {DecodedTx, TxDecoder} from "../../src/libraries/TxDecoder.sol";

/// @notice External doors to the transaction decoder, for calldata and differential tests.
contract TxHarness {
    /// @dev Decode region[start:end] in memory that is not clean, and see that none of it is kept.
    function decode(bytes calldata region, uint256 start, uint256 end)
        external
        pure
        returns (bool valid, DecodedTx memory decoded)
    {
        uint256 before;
        assembly ("memory-safe") {
            before := mload(0x40) // nothing may be kept from here on but one struct
            for { let i := 0 } // dirt
             lt(i, 0x1000) { i := add(i, 0x20) } { mstore(add(before, i), not(0)) }
        }
        (valid, decoded) = TxDecoder.decode(region[start:end]);
        uint256 kept;
        assembly ("memory-safe") {
            kept := sub(mload(0x40), before) // what the decoder allocated and did not give back
        }
        assert(kept == 19 * 32);
    }

    function intrinsicGas(bytes calldata raw) external pure returns (uint256) {
        (bool valid, DecodedTx memory decoded) = TxDecoder.decode(raw);
        assert(valid);
        return TxDecoder.intrinsicGas(decoded);
    }

    function entryAt(bytes calldata region, uint256 at)
        external
        pure
        returns (address account, uint256 keysStart, uint256 keysEnd)
    {
        return TxAccessList.entryAt(region, at);
    }

    function keyAt(bytes calldata region, uint256 at) external pure returns (bytes32) {
        return TxAccessList.keyAt(region, at);
    }

    /// @dev Bounds of the list that begins `raw`, counted from there; both FAILED if there is none.
    function list(bytes memory raw) external pure returns (uint256 payload, uint256 end) {
        (uint256 start, uint256 limit) = Rlp.bounds(raw);
        (payload, end) = TotalRlp.list(start, limit);
        if (end != TotalRlp.FAILED) (payload, end) = (payload - start, end - start);
    }

    /// @dev Bounds of the string that begins `raw`, as in list.
    function str(bytes memory raw) external pure returns (uint256 payload, uint256 end) {
        (uint256 start, uint256 limit) = Rlp.bounds(raw);
        (payload, end) = TotalRlp.str(start, limit);
        if (end != TotalRlp.FAILED) (payload, end) = (payload - start, end - start);
    }

    /// @dev The integer that begins `raw`, and its end; 0 and FAILED if there is none.
    function integer(bytes memory raw, uint256 maxBytes) external pure returns (uint256 value, uint256 end) {
        (uint256 start, uint256 limit) = Rlp.bounds(raw);
        (value, end) = TotalRlp.integer(start, limit, maxBytes);
        if (end != TotalRlp.FAILED) end -= start;
    }
}
