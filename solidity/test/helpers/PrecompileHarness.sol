// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PrecompileProbe} from "../../src/dispute/osp/PrecompileProbe.sol";
import {PrecompileRules} from "../../src/dispute/osp/PrecompileRules.sol";
import {PrecompileRunner} from "../../src/dispute/osp/PrecompileRunner.sol";

/// @notice External doors to the precompile libraries, and the probe.
contract PrecompileHarness is PrecompileProbe {
    function inputNeeded(uint256 cap, bool osaka, uint256 number, uint256 length) external pure returns (uint256) {
        return PrecompileRules.inputNeeded(cap, osaka, number, length);
    }

    function leastPrice(uint256 number, uint256 length) external pure returns (uint256) {
        return PrecompileRules.leastPrice(number, length);
    }

    /// @dev With dirt behind the head.
    function price(uint256 cap, bool osaka, uint256 number, uint256 length, bytes memory head)
        external
        pure
        returns (bool fails, uint256 cost)
    {
        assembly ("memory-safe") {
            let end := add(add(head, 0x20), mload(head)) // first byte behind the head, which is the last argument
            mstore(end, not(0)) // dirt in free memory
            mstore(0x40, add(end, 0x20)) // keep it
        }
        return PrecompileRules.price(cap, osaka, number, length, head);
    }

    function run(uint256 number, uint256 cost, bytes memory head) external view returns (bool ok, bytes memory output) {
        return PrecompileRunner.run(number, cost, head);
    }

    function gasForwarded(uint256 number, uint256 cost, bytes memory head) external pure returns (uint256) {
        return PrecompileRunner.gasForwarded(number, cost, head);
    }

    /// @notice As `run`, with at most `gasLimit`; `reverted` if the verifier itself did.
    function runWithin(uint256 gasLimit, uint256 number, uint256 cost, bytes memory head)
        external
        view
        returns (bool reverted, bool ok, bytes memory output)
    {
        try this.run{gas: gasLimit}(number, cost, head) returns (bool ok_, bytes memory output_) {
            return (false, ok_, output_);
        } catch (bytes memory reason) {
            return (true, false, reason);
        }
    }
}
