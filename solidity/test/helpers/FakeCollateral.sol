// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../src/interfaces/settlement/ICollateral.sol";
import {ILedger} from "../../src/interfaces/settlement/ILedger.sol";
import {LEDGER} from "../../src/libraries/Constants.sol";
import {CashReason, FeedId, INSURANCE, PENDING, SubaccountId} from "../../src/types/Settlement.sol";

/// @notice Ether at two values and pending withdrawals, as a test sets them.
contract FakeCollateral {
    struct Held {
        uint256 etherWei;
        int256 initialWad;
        int256 maintenanceWad;
        uint256 pendingWad;
    }

    mapping(SubaccountId id => Held) internal _held;

    function setEther(SubaccountId id, uint256 etherWei, int256 initialWad, int256 maintenanceWad) external {
        (_held[id].etherWei, _held[id].initialWad, _held[id].maintenanceWad) = (etherWei, initialWad, maintenanceWad);
    }

    /// @dev The caller has moved so much to PENDING.
    function setPending(SubaccountId id, uint256 amountWad) external {
        _held[id].pendingWad = amountWad;
    }

    function etherOf(SubaccountId id) external view returns (uint256) {
        return _held[id].etherWei;
    }

    function valuesWad(SubaccountId id) external view returns (int256, int256) {
        return (_held[id].initialWad, _held[id].maintenanceWad);
    }

    function settings() external pure returns (ICollateral.Settings memory answer) {
        (answer.etherFeed, answer.etherCapWei) = (FeedId.wrap(99), type(uint128).max);
    }

    function cancelAll(SubaccountId id) external {
        uint256 amountWad = _held[id].pendingWad;
        if (amountWad == 0) return;
        _held[id].pendingWad = 0;
        ILedger(LEDGER).move(PENDING, id, int256(amountWad), CashReason.WITHDRAWAL_CANCELLED);
    }

    function seizeEther(SubaccountId id) external returns (uint256 etherWei) {
        etherWei = _held[id].etherWei;
        _held[INSURANCE].etherWei += etherWei;
        delete _held[id];
    }
}
