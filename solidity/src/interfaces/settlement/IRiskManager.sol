// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LegChange, MarketId, SubaccountId} from "../../types/Settlement.sol";

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
    /// @param cashDeltaWad Beyond the settlement of the legs.
    function acceptsTrade(SubaccountId id, LegChange[] calldata legs, int256 cashDeltaWad) external view returns (bool);

    /// @notice What may leave a subaccount at once (withdrawal or transfer), in cash; never negative.
    function withdrawableWad(SubaccountId id) external view returns (int256);
}
