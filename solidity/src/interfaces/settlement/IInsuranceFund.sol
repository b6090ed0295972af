// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId, SubaccountId} from "../../types/Settlement.sol";

/// @title The insurance fund (L2)
/// @notice One tranche per market and a global one, together the cash of the pot INSURANCE. No tranche is ever negative.
interface IInsuranceFund {
    event TrancheChanged(MarketId indexed market, uint256 amountWad);
    event CapsChanged(MarketId indexed market, uint256 backstopNotionalWad);

    error NotModule(address caller);
    error NotGovernor();
    error NotOwner();

    /// @notice Cash of a tranche; market zero is the global one.
    function trancheWad(MarketId market) external view returns (uint256);

    /// @notice Notional the fund may hold of a market.
    function backstopNotionalWad(MarketId market) external view returns (uint256);

    /// @notice A penalty comes in from a subaccount. Liquidator only.
    function receivePenalty(MarketId market, SubaccountId from, uint256 amountWad) external;

    /// @notice Pay a loss: the market's tranche, then the global one. Liquidator only.
    /// @return paidWad At most the two tranches.
    function cover(MarketId market, SubaccountId to, uint256 lossWad) external returns (uint256 paidWad);

    /// @notice Add to a tranche from a subaccount of the caller, bounded like a withdrawal.
    function donate(MarketId market, SubaccountId from, uint256 amountWad) external;

    function setBackstop(MarketId market, uint256 notionalWad) external;
}
