// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId} from "../../types/Settlement.sol";

/// @title The risk governor (L2)
/// @notice The one account that may change parameters: a timelock in front of the modules. What a parameter may be is
/// bounded by the modules' code. Until `seal`, which must come before the first deposit, calls take effect at once.
/// The guardian may only tighten, and what it does expires.
interface IRiskGovernor {
    event Scheduled(bytes32 indexed id, address indexed target, bytes data, uint64 readyAt);
    event Executed(bytes32 indexed id, address indexed target, bytes data);
    event Cancelled(bytes32 indexed id);
    event Sealed();
    event Tightened(MarketId indexed market, uint64 until);
    event Loosened(MarketId indexed market);

    error NotOwner();
    error NotGuardian();
    error NotScheduled(bytes32 id);
    error NotReady(uint64 readyAt);
    error AlreadyScheduled(bytes32 id);
    error AlreadySealed();
    error NotATarget(address target);
    error CallFailed(bytes reason);

    function owner() external view returns (address);
    function guardian() external view returns (address);
    function isSealed() external view returns (bool);

    /// @notice Seconds between schedule and execute; 48 h or more for feeds and collateral.
    function delayS(address target) external view returns (uint64);
    function schedule(address target, bytes calldata data, bytes32 salt) external returns (bytes32 id);
    function execute(address target, bytes calldata data, bytes32 salt) external;
    function cancel(bytes32 id) external;

    /// @notice During set-up only: call a module at once. Owner only.
    function setUp(address target, bytes calldata data) external;
    function seal() external;

    /// @notice Make a market reduce-only for a bounded time; cannot be repeated at once. Guardian only.
    function tighten(MarketId market) external;

    /// @notice End what has expired. Anybody.
    function loosen(MarketId market) external;
    function isTightened(MarketId market) external view returns (bool);
    function setGuardian(address guardian) external;
    function transferOwnership(address owner) external;
}
