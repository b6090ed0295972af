// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId, SubaccountId} from "../../types/Settlement.sol";

/// @title The insurance fund (L2)
/// @notice One tranche per market and a global one, together the cash of the pot INSURANCE. No tranche is ever negative.
/// The global one pays at most half of itself per day.
interface IInsuranceFund {
    event TrancheChanged(MarketId indexed market, uint256 amountWad);
    event CapsChanged(MarketId indexed market, uint256 backstopNotionalWad);

    /// @notice What the global tranche may still pay on a day (days since 1970).
    event GlobalLeft(uint64 indexed day, uint256 leftWad);

    error NotModule(address caller);
    error NotGovernor();
    error NotOwner();
    error NotWithdrawable(int256 withdrawableWad);
    error OutOfBounds(bytes32 parameter);

    /// @notice Cash of a tranche; market zero is the global one.
    function trancheWad(MarketId market) external view returns (uint256);

    /// @notice Notional the fund may hold of a market: what governance allows, at most ten times the market's and the
    /// global tranche.
    function backstopNotionalWad(MarketId market) external view returns (uint256);

    /// @notice A penalty comes in from a subaccount. Liquidator only.
    function receivePenalty(MarketId market, SubaccountId from, uint256 amountWad) external;

    /// @notice Pay a loss: the market's tranche, then the global one. Liquidator only.
    /// @return paidWad At most the two tranches, and of the global one what it may pay today.
    function cover(MarketId market, SubaccountId to, uint256 lossWad) external returns (uint256 paidWad);

    /// @notice After the fund's own position in a market was settled: what the pot gained or lost since the last time is
    /// the market's tranche's, then the global one's; what neither has is bad debt. Liquidator and Markets only.
    function reconcile(MarketId market) external;

    /// @notice Add to a tranche from a subaccount of the caller, bounded like a withdrawal.
    function donate(MarketId market, SubaccountId from, uint256 amountWad) external;

    /// @notice RiskGovernor only.
    function setBackstop(MarketId market, uint256 notionalWad) external;
}
