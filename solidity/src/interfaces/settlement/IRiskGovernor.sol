// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId} from "../../types/Settlement.sol";

/// @title The risk governor (L2)
/// @notice The one account that may change parameters: a timelock in front of the modules. What a parameter may be is
/// bounded by the modules' code. Until `seal`, which must come before the first deposit, calls take effect at once.
/// The guardian may only tighten, and what it does expires.
interface IRiskGovernor {
    event OwnerChanged(address indexed owner);
    event GuardianChanged(address indexed guardian);
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
    error Expired(uint64 at);
    error AlreadyScheduled(bytes32 id);
    error AlreadySealed();
    error NotATarget(address target);
    error NotItself();
    error NotOpen(MarketId market);
    error InCooldown(uint64 until);
    error NotTightened(MarketId market);
    error StillTightened(uint64 until);
    error CallFailed(bytes reason);

    function owner() external view returns (address);
    function guardian() external view returns (address);
    function isSealed() external view returns (bool);

    /// @notice Seconds between schedule and execute: 48 h for feeds, collateral and this contract, 24 h for the others.
    function delayS(address target) external view returns (uint64);

    /// @notice When a call may be executed; zero if it is not scheduled.
    function readyAt(bytes32 id) external view returns (uint64);

    /// @notice Owner only, as is `execute`. What is not executed within two weeks of being ready is dead.
    function schedule(address target, bytes calldata data, bytes32 salt) external returns (bytes32 id);
    function execute(address target, bytes calldata data, bytes32 salt) external;

    /// @notice Owner, or the guardian unless the call is to this contract (so that it cannot keep its own office).
    function cancel(address target, bytes calldata data, bytes32 salt) external;

    /// @notice During set-up only: call a module at once. Owner only.
    function setUp(address target, bytes calldata data) external;
    function seal() external;

    /// @notice Make an open market reduce-only for a day; not again until another day has passed. Guardian only.
    function tighten(MarketId market) external;

    /// @notice Open a market again whose day is over; anybody. The guardian may do so at any time.
    function loosen(MarketId market) external;
    function isTightened(MarketId market) external view returns (bool);

    /// @notice Both by this contract only: schedule them, or set them up.
    function setGuardian(address guardian) external;
    function transferOwnership(address owner) external;
}
