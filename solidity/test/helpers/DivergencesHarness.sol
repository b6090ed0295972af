// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DivergenceProof, Divergences, Reveal} from "../../src/libraries/Divergences.sol";

/// @notice External doors to first differences, for calldata and differential tests.
contract DivergencesHarness {
    function check(DivergenceProof calldata proof, bytes32 pre, uint256 level, uint256 depth, uint256 logArity)
        external
        pure
        returns (bytes32[2] memory upper, bytes32 state)
    {
        return Divergences.check(proof, pre, level, depth, logArity);
    }

    /// @dev Also says what the calldata was taken for.
    function read(DivergenceProof calldata proof, uint256 level, uint256 depth, uint256 logArity)
        external
        pure
        returns (bytes32 answer, bytes32 content)
    {
        (bytes32[2] memory upper, bytes32 state) = Divergences.check(proof, 0, level, depth, logArity);
        return (keccak256(abi.encode(upper, state)), keccak256(abi.encode(proof)));
    }

    function parentOf(Reveal calldata reveal, uint256 level, uint256 logArity) external pure returns (bytes32) {
        return Divergences.parentOf(reveal, level, logArity);
    }

    function isEmpty(Reveal calldata reveal) external pure returns (bool) {
        return Divergences.isEmpty(reveal);
    }

    function lift(bytes32 root, bytes32 result, uint256 depth, uint256 target, uint256 logArity)
        external
        pure
        returns (bytes32)
    {
        return Divergences.lift(root, result, depth, target, logArity);
    }
}
