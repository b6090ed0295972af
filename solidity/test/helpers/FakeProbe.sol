// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PrecompileRunner} from "../../src/dispute/osp/PrecompileRunner.sol";
import {IPrecompileProbe} from "../../src/interfaces/IPrecompileProbe.sol";

/// @notice A probe that finds what the test says.
contract FakeProbe is IPrecompileProbe {
    bytes internal _reason;

    /// @dev Revert with `reason` from now on; pass if it is empty.
    function setReason(bytes memory reason) external {
        _reason = reason;
    }

    function setBroken(uint256 number) external {
        _reason = abi.encodeWithSelector(PrecompileRunner.PrecompileBroken.selector, number);
    }

    function probe() external view {
        bytes memory reason = _reason;
        if (reason.length == 0) return;
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }

    function vector(uint256) external pure returns (bytes memory, bytes32) {
        revert();
    }
}
