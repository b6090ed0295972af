// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOneStepVerifier} from "../../src/interfaces/IOneStepVerifier.sol";

/// @notice A verifier whose step leads where the test says.
contract FakeVerifier is IOneStepVerifier {
    bytes32 internal _post;

    uint256 internal _gas;

    function setPost(bytes32 post) external {
        _post = post;
    }

    /// @dev How much gas a step takes at least.
    function setGas(uint256 amount) external {
        _gas = amount;
    }

    function step(bytes32, uint256, uint256, bytes32, bytes calldata) external view returns (bytes32) {
        uint256 start = gasleft();
        uint256 wanted = _gas;
        while (start - gasleft() < wanted) {}
        return _post;
    }
}
