// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId, SubaccountId} from "../../types/Settlement.sol";

/// @title The liquidator (L2)
/// @notice Closes positions of subaccounts below maintenance margin, against signed orders of others, at prices that
/// leave the equity at zero or above; and closes a position its owner cannot get closed otherwise.
interface ILiquidator {
    event Flagged(SubaccountId indexed id, address indexed keeper, uint64 at);
    event Unflagged(SubaccountId indexed id);
    event Liquidated(
        SubaccountId indexed id,
        MarketId indexed market,
        address indexed keeper,
        int256 closedWad,
        int256 notionalWad,
        uint256 penaltyWad,
        uint256 rewardWad
    );

    /// @notice What the insurance fund paid for a subaccount without positions and with negative equity; `missingWad` is
    /// what it could not pay.
    event Shortfall(SubaccountId indexed id, uint256 paidWad, uint256 missingWad);
    event CloseRequested(SubaccountId indexed id, MarketId indexed market, uint64 executableAt);
    event ForceClosed(SubaccountId indexed id, MarketId indexed market, int256 closedWad, int256 priceWad);

    error Healthy(SubaccountId id);
    error NotFlagged(SubaccountId id);
    error InGrace(uint64 until);
    error NothingToClose();
    error NotOwner();
    error NotRequested();
    error OverInsuranceCap();

    /// @notice Note that a subaccount is below maintenance margin. Anybody.
    function flag(SubaccountId id) external;
    function unflag(SubaccountId id) external;
    function flaggedAt(SubaccountId id) external view returns (uint64);

    /// @notice Whether it may be liquidated now: below maintenance margin for the grace period or at two prices, or below
    /// half of it.
    function isLiquidatable(SubaccountId id) external view returns (bool);

    /// @notice Close a part of a position against signed orders; anybody. The caller names a subaccount of its own for the
    /// reward (zero: no reward).
    /// @param makers Batch of maker orders (BatchCodec).
    function liquidate(SubaccountId id, MarketId market, SubaccountId rewardTo, bytes calldata makers)
        external
        returns (int256 closedWad);

    /// @notice What the next liquidation of a position closes at most, and the worst price it may happen at.
    function closeTerms(SubaccountId id, MarketId market) external view returns (int256 sizeWad, int256 limitWad);

    /// @notice Ask to have a position closed. If nobody has within the delay, anybody may execute it against the insurance
    /// fund at the mark less a spread. The owner only; works through a deposit from L1.
    function requestClose(SubaccountId id, MarketId market) external;
    function forceClose(SubaccountId id, MarketId market) external returns (int256 closedWad);
}
