// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId, SubaccountId} from "../../types/Settlement.sol";

/// @title The liquidator (L2)
/// @notice Closes positions of subaccounts below maintenance margin, against signed orders of others, at prices that
/// leave the equity at zero or above; and closes a position its owner cannot get closed otherwise. Below maintenance margin
/// (or half of it) is who is so at the marks and at the index prices alone: a mark that somebody moved liquidates nobody.
interface ILiquidator {
    /// @param pricedAt Time of the newest price it was judged by; a second price is a later one in every market held.
    event Flagged(SubaccountId indexed id, address indexed keeper, uint64 at, uint64 pricedAt);
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
    /// what it could not pay. The fund got the subaccount's ether first.
    event Shortfall(SubaccountId indexed id, uint256 paidWad, uint256 missingWad);

    /// @param sizeWad The position at the time: a later one is not closed beyond it. Zero: the request is done.
    event CloseRequested(SubaccountId indexed id, MarketId indexed market, int256 sizeWad, uint64 executableAt);
    event ForceClosed(SubaccountId indexed id, MarketId indexed market, int256 closedWad, int256 priceWad);

    /// @notice The insurance fund gave up a part of a position it had taken over.
    event Unwound(MarketId indexed market, address indexed keeper, int256 closedWad, int256 notionalWad);

    error Healthy(SubaccountId id);
    error Unhealthy(SubaccountId id);
    error NotFlagged(SubaccountId id);
    error InGrace(uint64 until);
    error NothingToClose();
    error NotOwner();
    error NotRequested();
    error NotExecutable(uint64 from, uint64 until);
    error MarketNotOpen(MarketId market);
    error OverInsuranceCap();

    /// @notice Note that a subaccount is below maintenance margin. Anybody. A flag that still counts stays as it is; after
    /// an hour it is dead.
    function flag(SubaccountId id) external;

    /// @notice Take away the flag of a subaccount that is not below maintenance margin. Anybody.
    function unflag(SubaccountId id) external;

    /// @notice Zero if there is no flag or a dead one.
    function flaggedAt(SubaccountId id) external view returns (uint64);

    /// @notice Whether it may be liquidated now, at fresh prices: below half of its maintenance margin; or below it and
    /// flagged for the grace period or at two prices, and prices have not just come back from an outage.
    function isLiquidatable(SubaccountId id) external view returns (bool);

    /// @notice Close a part of a position against signed orders; anybody. The caller names a subaccount of its own for the
    /// reward (zero, or one of the liquidated owner: no reward). Pending withdrawals of the subaccount are cancelled first; if
    /// that makes it healthy nothing is closed.
    /// @param makers Batch of maker orders (BatchCodec).
    function liquidate(SubaccountId id, MarketId market, SubaccountId rewardTo, bytes calldata makers)
        external
        returns (int256 closedWad);

    /// @notice Pay the negative equity of a subaccount without positions: insurance, then bad debt. Anybody.
    function resolve(SubaccountId id) external;

    /// @notice What the next liquidation of a position closes at most (the change of its size), and the worst price it may
    /// happen at. Zeros if the subaccount is healthy.
    function closeTerms(SubaccountId id, MarketId market) external view returns (int256 sizeWad, int256 limitWad);

    /// @notice Ask to have a position closed. If nobody has within the delay, anybody may execute it against the insurance
    /// fund at the lower of mark and index price less a spread (a short: the higher plus it), as far as the fund may hold
    /// it. The owner only; works through a deposit from L1.
    function requestClose(SubaccountId id, MarketId market) external;

    /// @notice Zeros if there is none.
    function closeRequest(SubaccountId id, MarketId market) external view returns (int256 sizeWad, uint64 executableAt);

    /// @notice Execute a request: at a price seen after it, at most a day old, if margin accepts it as a trade. What the fund
    /// cannot hold stays asked for. Anybody.
    function forceClose(SubaccountId id, MarketId market) external returns (int256 closedWad);

    /// @notice Close a part of the insurance fund's own position against signed orders, no worse than half the spread it took
    /// it over at. Anybody.
    function unwind(MarketId market, bytes calldata makers) external returns (int256 closedWad);
}
