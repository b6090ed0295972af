// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReceiptBond} from "../../src/interfaces/settlement/IReceiptBond.sol";

/// @notice Sends its call again while it is being paid.
contract GreedyPayee {
    IReceiptBond internal immutable BOND;
    bytes internal _call;

    uint256 public paid;
    bool public again;

    constructor(IReceiptBond bond) {
        BOND = bond;
    }

    receive() external payable {
        ++paid;
        (bool ok,) = address(BOND).call(_call);
        again = again || ok;
    }

    function aim(bytes calldata call) external {
        _call = call;
    }
}

/// @notice Refuses ether.
contract SulkingPayee {}
