// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CashReason, Leg, MarketId, Position, SubaccountChange, SubaccountId} from "../../types/Settlement.sol";

/// @title The ledger (L2)
/// @notice Subaccounts, their cash and their positions; the only writer of balances. It knows no rule of trading:
/// the modules that may write do. Cash of all subaccounts and pots sums to zero after every call.
/// @dev One guard for all modules: `enter` and `leave` hold a transient lock, so no module runs inside another's call.
interface ILedger {
    /* EVENTS: enough to rebuild the storage */

    event SubaccountOpened(SubaccountId indexed id, address indexed owner, uint8 marginMode);

    /// @notice The position and the cash of a subaccount after a trade or a settlement of its legs.
    event PositionChanged(SubaccountId indexed id, MarketId indexed market, int256 sizeWad, int256 indexWad);
    event CashChanged(SubaccountId indexed id, int256 cashWad);

    /// @notice Cash moved without a trade.
    event CashMoved(SubaccountId indexed from, SubaccountId indexed to, int256 amountWad, CashReason reason);

    /// @notice The sum of the long positions of a market after a change.
    event OpenInterestChanged(MarketId indexed market, int256 openInterestWad);

    /* ERRORS */

    error NotModule(address caller);
    error Reentered();
    error UnknownSubaccount(SubaccountId id);
    error OffQuantum(int256 value);
    error TooManyLegs(SubaccountId id);
    error NotBalanced(int256 sumWad);
    error InvalidOwner();
    error InvalidMarginMode(uint8 marginMode);

    /* VIEWS */

    /// @notice Owner (zero if there is none), margin mode (0: standard margin) and cash.
    function subaccount(SubaccountId id) external view returns (address owner, uint8 marginMode, int256 cashWad);

    function position(SubaccountId id, MarketId market) external view returns (Position memory);

    /// @notice Cash and legs as stored: settled up to the index of each leg.
    function portfolio(SubaccountId id) external view returns (int256 cashWad, Leg[] memory legs);

    /// @notice Sum of the long positions; equal to the sum of the short ones (INV: positions of a market sum to zero).
    function openInterestWad(MarketId market) external view returns (int256);

    function nextSubaccount() external view returns (SubaccountId);

    /* EVERYBODY */

    /// @notice Open a subaccount of the caller.
    function open(uint8 marginMode) external returns (SubaccountId id);

    /* MODULES */

    /// @notice Open a subaccount of somebody: a deposit to a newcomer. Collateral only.
    function openFor(address owner) external returns (SubaccountId id);

    /// @notice Settle legs, change sizes, move cash. All changes together must sum to zero in size per market; what
    /// is missing to zero in cash goes to FEES (fees), which may not fall. Clearing, Liquidator and Markets only.
    function settle(SubaccountChange[] calldata changes) external;

    /// @notice Move cash. Collateral, Liquidator, InsuranceFund and Clearing only.
    function move(SubaccountId from, SubaccountId to, int256 amountWad, CashReason reason) external;

    /// @notice Take and release the one lock of all modules. Modules only.
    function enter() external;
    function leave() external;
}
