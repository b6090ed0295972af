// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOneStepVerifier} from "../../src/interfaces/IOneStepVerifier.sol";

/// @notice A verifier whose step leads where the test says.
contract FakeVerifier is IOneStepVerifier {
    bytes32 internal _post;

    function setPost(bytes32 post) external {
        _post = post;
    }

    function step(bytes32, uint256, uint256, bytes32, bytes calldata) external view returns (bytes32) {
        return _post;
    }
}
