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

    /// @notice Settings by governance; bounds in code (library CollateralBounds).
    /// @param etherFeed Price of ether in cash.
    /// @param etherInitialHaircutPips, etherMaintenanceHaircutPips Part of the value that does not count in initial and
    /// in maintenance margin.
    /// @param etherCapWei No deposit raises the ether held above it; no subaccount counts more.
    /// @param hourlyFloorWad, hourlyPips Cash that may leave in an hour: the greater of the floor and the part of all cash
    /// held. Of ether: the part of the greater of all ether held and the cap.
    /// @param dailyFloorWad, dailyPips The same for a day.
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

    /// @param amount Of the token's units or of wei.
    /// @param recipient L1 account.
    /// @param readyAt Not released before.
    struct Withdrawal {
        SubaccountId subaccount;
        Asset asset;
        uint128 amount;
        address recipient;
        uint64 readyAt;
    }

    /* EVENTS */

    event Deposited(SubaccountId indexed id, Asset asset, uint256 amount);

    /// @notice Ether of a subaccount as it is now, without what is on its way out.
    event EtherChanged(SubaccountId indexed id, uint256 amountWei);
    event WithdrawalRequested(uint256 indexed number, Withdrawal withdrawal);
    event WithdrawalReleased(uint256 indexed number, bytes32 messageKey);
    event WithdrawalCancelled(uint256 indexed number);
    event SettingsChanged(Settings settings);

    /* ERRORS */

    error NotGateway(address caller);
    error NotOwner();
    error NotGovernor();
    error NotModule(address caller);

    /// @notice No ether before governance has set up the risk parameters.
    error NotSealed();
    error OverCap(uint256 amountWei);

    /// @notice More than may leave; what may, or the value that may (of ether that counts in margin).
    error NotWithdrawable(int256 withdrawableWad);
    error NotReady(uint64 readyAt);
    error UnknownWithdrawal(uint256 number);
    error TooManyWithdrawals(SubaccountId id);
    error ZeroAmount();
    error InvalidRecipient();
    error OutOfBounds(bytes32 parameter);

    /* VIEWS */

    /// @notice The L1 gateway: its alias calls. Zero if there is none.
    function gateway() external view returns (address);

    /// @notice Cash of one unit of the gateway's token: 1e12 if it has 6 decimals.
    function tokenUnitWad() external view returns (uint256);
    function settings() external view returns (Settings memory);
    function etherOf(SubaccountId id) external view returns (uint256 amountWei);

    /// @notice Ether of all users, and ether on its way out: what the cap bounds. What the fund has seized is not in it.
    function totalEtherWei() external view returns (uint256);

    /// @notice Value of what a subaccount holds beside cash, with the haircuts of initial and maintenance margin; rounded
    /// down. A feed too old to take risk counts for nothing in initial margin; in maintenance margin the latest price
    /// counts, whatever its age.
    function valuesWad(SubaccountId id) external view returns (int256 initialWad, int256 maintenanceWad);
    function withdrawal(uint256 number) external view returns (Withdrawal memory);

    /// @notice Numbers of the withdrawals of a subaccount that are not released.
    function withdrawalsOf(SubaccountId id) external view returns (uint256[] memory numbers);

    /// @notice Requested and not released, by subaccount: cash in WAD and ether in wei.
    function pendingOf(SubaccountId id) external view returns (uint256 cashWad, uint256 etherWei);

    /// @notice How the line of an asset stands: what may leave in an hour and in a day, and the ends of both lines in
    /// seconds with 18 decimals (library RateLine). Who knows them knows when an amount asked for now could be released.
    /// @return hourlyLimit dailyLimit Cash in WAD, ether in wei.
    function lineOf(Asset asset)
        external
        view
        returns (uint256 hourlyLimit, uint256 dailyLimit, uint256 hourEnd, uint256 dayEnd);

    /* IN */

    /// @notice Cash from L1. Opens a subaccount if `id` is not the owner's; never reverts for a user's mistake, because
    /// the token is locked on L1. The gateway only.
    function creditToken(address owner, SubaccountId id, uint256 amount) external;

    /// @notice Ether of the caller becomes collateral of its subaccount; zero opens a new one.
    function depositEther(SubaccountId id) external payable;

    /* OUT */

    /// @notice Take what is to be withdrawn out of a subaccount of the caller, and join the line.
    /// @dev Cash is bounded by IRiskManager.withdrawableCashWad, ether by the value that margin needs. Without positions
    /// and debts neither asks for a price.
    /// @param amount Of the token's units or of wei.
    /// @param recipient L1 account.
    function requestWithdrawal(SubaccountId id, Asset asset, uint128 amount, address recipient)
        external
        returns (uint256 number);

    /// @notice Send a withdrawal whose time has come to L1; anybody. Checked again as if requested now: who has lost its
    /// margin since keeps it, and may cancel.
    function release(uint256 number) external returns (bytes32 messageKey);

    /// @notice Back to the subaccount, and out of the line; its owner only.
    function cancel(uint256 number) external;

    /// @notice Cash between two subaccounts of the caller, bounded like a withdrawal.
    function transfer(SubaccountId from, SubaccountId to, int256 amountWad) external;

    /* MODULES */

    /// @notice All withdrawals of a subaccount that were not released go back to it. Liquidator only, which holds the lock.
    function cancelAll(SubaccountId id) external;

    /// @notice All ether of a subaccount becomes ether of the pot INSURANCE: it could not pay its debt. Liquidator only,
    /// which holds the lock.
    function seizeEther(SubaccountId id) external returns (uint256 amountWei);

    /// @notice RiskGovernor only.
    function setSettings(Settings calldata settings) external;
}
