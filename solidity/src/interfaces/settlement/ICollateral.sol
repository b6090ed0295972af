// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FeedId, SubaccountId} from "../../types/Settlement.sol";

/// @title Collateral (L2)
/// @notice What comes in and goes out: the cash token of the L1 gateway (it becomes cash) and ether (it stays ether and
/// counts with a haircut). Withdrawals are requested, wait for their turn, and are checked again when they leave.
interface ICollateral {
    enum Asset {
        CASH,
        ETHER
    }

    /// @notice Settings by governance; bounds in code.
    struct Settings {
        FeedId etherFeed;
        uint32 etherInitialHaircutPips;
        uint32 etherMaintenanceHaircutPips;
        uint128 etherCapWei;
        uint128 hourlyFloorWad;
        uint32 hourlyPips;
        uint128 dailyFloorWad;
        uint32 dailyPips;
    }

    struct Withdrawal {
        SubaccountId subaccount;
        Asset asset;
        uint128 amount;
        address recipient;
        uint64 readyAt;
    }

    event Deposited(SubaccountId indexed id, Asset asset, uint256 amount);
    event EtherChanged(SubaccountId indexed id, uint256 amountWei);
    event WithdrawalRequested(uint256 indexed number, Withdrawal withdrawal);
    event WithdrawalReleased(uint256 indexed number, bytes32 messageKey);
    event WithdrawalCancelled(uint256 indexed number);
    event SettingsChanged(Settings settings);

    error NotGateway(address caller);
    error NotOwner();
    error NotGovernor();
    error NotModule(address caller);
    error OverCap(uint256 amountWei);
    error NotWithdrawable(int256 withdrawableWad);
    error NotReady(uint64 readyAt);
    error UnknownWithdrawal(uint256 number);
    error ZeroAmount();
    error OutOfBounds(bytes32 parameter);

    /// @notice The L1 gateway (its alias calls) and the decimals of its token.
    function gateway() external view returns (address);
    function tokenUnitWad() external view returns (uint256);

    /// @notice Cash from L1. Opens a subaccount if `id` is zero or not the owner's; never reverts for a user's mistake,
    /// because the token is locked on L1. The gateway only.
    function creditToken(address owner, SubaccountId id, uint256 amount) external;

    /// @notice Ether of the caller becomes collateral of its subaccount.
    function depositEther(SubaccountId id) external payable;

    function etherOf(SubaccountId id) external view returns (uint256 amountWei);

    /// @notice Value of what a subaccount holds beside cash, with the haircuts of initial and maintenance margin; rounded
    /// down. A stale feed counts for nothing in initial margin.
    function valuesWad(SubaccountId id) external view returns (int256 initialWad, int256 maintenanceWad);

    /// @param amount Of the token's units or of wei.
    function requestWithdrawal(SubaccountId id, Asset asset, uint128 amount, address recipient)
        external
        returns (uint256 number);

    /// @notice Send a withdrawal whose time has come to L1; anybody. Checked again: a subaccount below its initial margin
    /// keeps it.
    function release(uint256 number) external returns (bytes32 messageKey);

    /// @notice Back to the subaccount; its owner, or the Liquidator.
    function cancel(uint256 number) external;

    /// @notice All withdrawals of a subaccount that were not released go back to it. Liquidator only, which holds the lock.
    function cancelAll(SubaccountId id) external;

    /// @notice All ether of a subaccount becomes ether of the pot INSURANCE: it could not pay its debt. Liquidator only,
    /// which holds the lock.
    function seizeEther(SubaccountId id) external returns (uint256 amountWei);
    function withdrawal(uint256 number) external view returns (Withdrawal memory);

    /// @notice Requested and not released, by subaccount: cash in WAD and ether in wei.
    function pendingOf(SubaccountId id) external view returns (uint256 cashWad, uint256 etherWei);

    /// @notice Between two subaccounts of one owner, bounded like a withdrawal.
    function transfer(SubaccountId from, SubaccountId to, int256 amountWad) external;

    function settings() external view returns (Settings memory);
    function setSettings(Settings calldata settings) external;
}
