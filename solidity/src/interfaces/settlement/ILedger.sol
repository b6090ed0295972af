// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CashReason, Leg, MarketId, Position, SubaccountChange, SubaccountId} from "../../types/Settlement.sol";

/// @title The ledger (L2)
/// @notice Subaccounts, their cash and their positions; the only writer of balances. It knows no rule of trading:
/// the modules that may write do. What it holds to whatever they ask for: positions of a market sum to zero, and the
/// cash of all subaccounts (pots included) with what their positions have gained since they were settled sums to zero.
/// @dev One lock for all modules, transient: taken by `enter`, released by `leave`, and held whenever balances change.
/// No module runs inside another's call but where that one calls it for this purpose.
interface ILedger {
    /* EVENTS: enough to rebuild the storage */

    event SubaccountOpened(SubaccountId indexed id, address indexed owner, uint8 marginMode);

    /// @notice A position as it is now.
    event PositionChanged(SubaccountId indexed id, MarketId indexed market, int256 sizeWad, int256 indexWad);

    /// @notice Cash as it is now, after a trade, a settlement of legs, or fees.
    event CashChanged(SubaccountId indexed id, int256 cashWad);

    /// @notice Cash moved without a trade.
    event CashMoved(SubaccountId indexed from, SubaccountId indexed to, int256 amountWad, CashReason reason);

    /// @notice The sum of the long positions of a market after a change.
    event OpenInterestChanged(MarketId indexed market, int256 openInterestWad);

    /// @notice The settlement index of a market will not change any more; its positions end there.
    event MarketClosed(MarketId indexed market, int256 settlementWad);

    /* ERRORS */

    error NotModule(address caller);
    error Reentered();

    /// @notice Balances change under the lock only.
    error NotEntered();
    error UnknownSubaccount(SubaccountId id);
    error OffQuantum(int256 value);

    /// @notice A number that no market needs.
    error OutOfRange(int256 value);
    error TooManyLegs(SubaccountId id);

    /// @notice The sizes of a market, or the cash, do not sum to zero.
    error NotBalanced(int256 sumWad);

    /// @notice Two settlement indices of one market in one call, or another than the last one of a closed market: value
    /// would come out of nothing.
    error IndicesDiffer(MarketId market);
    error NegativeAmount(int256 amountWad);

    /// @notice A pot would hold what it never holds: VAULT and BAD_DEBT are never above zero, FEES and PENDING never below.
    error WrongSign(SubaccountId pot);
    error InvalidOwner();
    error InvalidMarginMode(uint8 marginMode);

    /* VIEWS */

    /// @notice Owner (zero if there is none), margin mode (0: standard margin) and cash.
    function subaccount(SubaccountId id) external view returns (address owner, uint8 marginMode, int256 cashWad);

    function position(SubaccountId id, MarketId market) external view returns (Position memory);

    /// @notice Number of markets in which a subaccount holds a position.
    function nLegs(SubaccountId id) external view returns (uint256);

    /// @notice Cash and legs as stored: settled up to the index of each leg.
    function portfolio(SubaccountId id) external view returns (int256 cashWad, Leg[] memory legs);

    /// @notice Sum of the long positions; equal to the sum of the short ones until the market is closed.
    function openInterestWad(MarketId market) external view returns (int256);

    function nextSubaccount() external view returns (SubaccountId);

    /* EVERYBODY */

    /// @notice Open a subaccount of the caller.
    function open(uint8 marginMode) external returns (SubaccountId id);

    /* MODULES */

    /// @notice Open a subaccount of somebody: a deposit to a newcomer. Collateral only.
    function openFor(address owner) external returns (SubaccountId id);

    /// @notice Settle legs, change sizes, move cash. All changes together must sum to zero in size per market, and name
    /// one settlement index per market; what the `cashDeltaWad` miss to zero goes to FEES, which may not fall. Of the
    /// pots, only INSURANCE holds positions. Clearing, Liquidator and Markets only.
    function settle(SubaccountChange[] calldata changes) external;

    /// @notice Settle positions of a market that has expired, and end them; each by itself, because the index is the last.
    /// The first call fixes it. Who holds no position is passed over. Markets only.
    function closeExpired(MarketId market, SubaccountId[] calldata ids, int256 settlementWad) external;

    /// @notice Move cash. Collateral, Liquidator, InsuranceFund and Clearing only; VAULT and PENDING are Collateral's.
    /// @param amountWad Not negative.
    function move(SubaccountId from, SubaccountId to, int256 amountWad, CashReason reason) external;

    /// @notice Take the lock. Clearing, Collateral, Liquidator, InsuranceFund and Markets only.
    function enter() external;

    /// @notice Release the lock; who took it only.
    function leave() external;
}
