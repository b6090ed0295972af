// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CallGas} from "../../src/dispute/osp/CallGas.sol";
import {StorageGas} from "../../src/dispute/osp/StorageGas.sol";
import {IntrinsicGas} from "../../src/libraries/IntrinsicGas.sol";

/// @dev The rules of gas of slots, calls and messages as external functions.
contract FrameGasHarness {
    function store(uint256 original, uint256 current, uint256 value, bool wasWarm) external pure returns (uint256) {
        return StorageGas.store(original, current, value, wasWarm);
    }

    function refundAfter(uint256 refund, uint256 original, uint256 current, uint256 value)
        external
        pure
        returns (uint256)
    {
        return StorageGas.refundAfter(refund, original, current, value);
    }

    function access(bool wasWarm) external pure returns (uint256) {
        return CallGas.access(wasWarm);
    }

    function allButOne64th(uint256 gas) external pure returns (uint256) {
        return CallGas.allButOne64th(gas);
    }

    function intrinsic(bytes calldata data, bool isCreate) external pure returns (uint256) {
        return IntrinsicGas.intrinsic(data, isCreate);
    }
}
