// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CallGas} from "../../src/dispute/osp/CallGas.sol";
import {StorageGas} from "../../src/dispute/osp/StorageGas.sol";

/// @notice Gas as the EIPs tell it, for all values.
contract GasProof {
    /// @notice SSTORE of EIP-2929 and EIP-3529, one case after the other.
    function check_store_isTheEip(uint256 original, uint256 current, uint256 value, bool wasWarm) external pure {
        uint256 cost = wasWarm ? 0 : 2100;
        if (value == current) cost += 100;
        else if (current != original) cost += 100;
        else cost += original == 0 ? 20_000 : 2900;

        assert(StorageGas.store(original, current, value, wasWarm) == cost);
    }

    /// @notice The refund of EIP-3529, which takes back only what it gave.
    function check_refundAfter_isTheEip(uint64 before, uint256 original, uint256 current, uint256 value) external pure {
        int256 refund = int256(uint256(before)) + 4800;
        if (value != current) {
            if (current == original) {
                if (original != 0 && value == 0) refund += 4800;
            } else {
                if (original != 0 && current == 0) refund -= 4800;
                if (original != 0 && value == 0) refund += 4800;
                if (value == original) refund += original == 0 ? int256(19_900) : int256(2800);
            }
        }

        assert(int256(StorageGas.refundAfter(uint256(before) + 4800, original, current, value)) == refund);
    }

    function check_load_isTheEip(bool wasWarm) external pure {
        assert(StorageGas.load(wasWarm) == (wasWarm ? 100 : 2100));
    }

    function check_call_isTheEip(bool wasWarm, bool sendsValue, bool createsAccount) external pure {
        uint256 expected = wasWarm ? 100 : 2600;
        if (sendsValue) expected += 9000;
        if (createsAccount) expected += 25_000;

        assert(CallGas.extra(wasWarm, sendsValue, createsAccount) == expected);
        assert(CallGas.access(wasWarm) == (wasWarm ? 100 : 2600));
        assert(CallGas.selfDestruct(wasWarm, createsAccount) == (wasWarm ? 0 : 2600) + (createsAccount ? 25_000 : 0));
    }

    /// @notice A child never gets more than it asks for, nor the last 64th.
    function check_child_leavesA64th(uint256 requested, uint64 gas) external pure {
        uint256 given = CallGas.child(requested, gas);

        assert(given <= requested && given <= uint256(gas) - (gas >> 6));
        assert(given == requested || given == uint256(gas) - (gas >> 6));
    }
}
