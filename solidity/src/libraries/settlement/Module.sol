// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {LEDGER} from "../Constants.sol";

/// @notice A module of settlement: what it does to others, it does under the one lock of the Ledger.
abstract contract Module {
    /// @dev Nothing of any module runs inside a function with it, but what that function calls for this purpose.
    modifier exclusive() {
        ILedger(LEDGER).enter();
        _;
        ILedger(LEDGER).leave();
    }
}
