// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bust, LegChange, MarketId, PriceUse, SubaccountId} from "../../types/Settlement.sol";

/// @title A margin engine (L2)
/// @notice Judges portfolios; replaceable without touching clearing. Requirements are rounded up, values down.
interface IRiskManager {
    /// @notice Equity with the haircuts of initial and of maintenance margin, and both requirements.
    struct Margin {
        int256 initialEquityWad;
        int256 equityWad;
        int256 initialWad;
        int256 maintenanceWad;
    }

    /// @notice One line of the answer to "why is my margin X".
    struct LegMargin {
        MarketId market;
        int256 sizeWad;
        int256 notionalWad;
        int256 initialWad;
        int256 maintenanceWad;
        int256 unsettledWad;
    }

    /// @notice Of a subaccount as it is now, settled to the present indices.
    function margin(SubaccountId id) external view returns (Margin memory);
    function explain(SubaccountId id) external view returns (Margin memory, LegMargin[] memory legs);

    /// @notice Whether a trade may happen: E_IM' ≥ IM', or it only reduces and makes health no worse
    /// (docs/spec/11-settlement.md, acceptance).
    /// @param legs Changes of sizes; the present indices are the markets' own.
    /// @param cashDeltaWad Beyond the settlement of the legs.
    /// @return NONE, or STALE_PRICE if the price of a market held before or after is too old (INCREASE if any leg grows or
    /// turns, else REDUCE), or MARGIN.
    function checkTrade(SubaccountId id, LegChange[] calldata legs, int256 cashDeltaWad) external view returns (Bust);

    /// @notice Revert with IPriceOracle.StalePrice unless the prices of all markets held are fresh enough.
    function requireFresh(SubaccountId id, PriceUse use) external view;

    /// @notice Value that may leave a subaccount at once (withdrawal or transfer): initial equity above the greater of the
    /// initial margin and a tenth of all notional, less a buffer for moves of the price; never negative. Reverts with
    /// StalePrice if the price of a market held is too old to take risk.
    function withdrawableWad(SubaccountId id) external view returns (int256);

    /// @notice The same in cash: no more than the settled cash, so nobody borrows cash against other collateral.
    function withdrawableCashWad(SubaccountId id) external view returns (int256);
}
