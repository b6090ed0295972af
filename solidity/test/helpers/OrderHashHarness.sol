// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderHash, OrderWords} from "../../src/libraries/settlement/OrderHash.sol";

/// @notice OrderHash, callable.
contract OrderHashHarness {
    function judge(OrderWords memory order, bytes32 r, bytes32 vs)
        external
        view
        returns (bytes32 digest, address signer)
    {
        digest = OrderHash.digest(order, OrderHash.separator());
        signer = OrderHash.recover(digest, r, vs);
    }
}
