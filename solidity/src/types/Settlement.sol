// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Number of a margin account of the Ledger; the lowest are the pots below.
type SubaccountId is uint64;

/// @notice Number of a market.
type MarketId is uint32;

/// @notice Number of a price feed.
type FeedId is uint32;

using {eqSubaccount as ==, neqSubaccount as !=} for SubaccountId global;
using {eqMarket as ==, neqMarket as !=} for MarketId global;

/* QUANTA */

/// @dev One in fixed point.
int256 constant WAD = 1e18;

/// @dev Every size is a multiple of it (1e-6 contract).
int256 constant LOT_WAD = 1e12;

/// @dev Every price that moves cash is a multiple of it (1e-12 of the cash asset). LOT_WAD × QUANTUM_WAD is a
/// multiple of WAD, so size × price is exact.
int256 constant QUANTUM_WAD = 1e6;

/// @dev Rates of fees and penalties are in millionths.
uint256 constant PIPS = 1e6;

/* POTS: subaccounts of the protocol, owned by nobody */

/// @dev The outside: minus what the L1 gateway holds for L2. The cash of all subaccounts, it included, sums to zero.
SubaccountId constant VAULT = SubaccountId.wrap(1);

/// @dev Trading fees.
SubaccountId constant FEES = SubaccountId.wrap(2);

/// @dev The insurance fund; it may also hold positions it took over.
SubaccountId constant INSURANCE = SubaccountId.wrap(3);

/// @dev Withdrawals that were requested and not yet sent.
SubaccountId constant PENDING = SubaccountId.wrap(4);

/// @dev Losses nobody has paid yet; its cash is never above zero.
SubaccountId constant BAD_DEBT = SubaccountId.wrap(5);

/// @dev The first number of a user's subaccount.
uint64 constant FIRST_SUBACCOUNT = 16;

/// @dev Legs of one subaccount at most: the dearest liquidation of so many fits into a transaction.
uint256 constant MAX_LEGS = 32;

/* POSITIONS */

/// @notice A position; settled up to the market's settlement index at the time it was last touched.
/// @param sizeWad Contracts, negative if short; a multiple of LOT_WAD.
/// @param indexWad The settlement index (mark less cumulative funding) up to which cash has been moved.
struct Position {
    int128 sizeWad;
    int128 indexWad;
}

/// @notice One leg of a portfolio.
struct Leg {
    MarketId market;
    int256 sizeWad;
    int256 indexWad;
}

/// @notice A change of one leg.
/// @param indexWad The market's settlement index now.
struct LegChange {
    MarketId market;
    int256 sizeDeltaWad;
    int256 indexWad;
}

/// @notice All changes of one subaccount in one transaction, netted.
/// @param cashDeltaWad Beyond what the settlement of the legs moves: trade price against mark, fees.
struct SubaccountChange {
    SubaccountId id;
    int256 cashDeltaWad;
    LegChange[] legs;
}

/// @notice Why cash moved without a trade.
enum CashReason {
    DEPOSIT,
    WITHDRAWAL_REQUESTED,
    WITHDRAWAL_SENT,
    WITHDRAWAL_CANCELLED,
    TRANSFER,
    TRADING_FEE,
    LIQUIDATION_PENALTY,
    KEEPER_REWARD,
    INSURANCE_PAYMENT,
    BAD_DEBT
}

/// @notice What a fresh price is wanted for; each has its own greatest age.
enum PriceUse {
    INCREASE,
    LIQUIDATE,
    REDUCE
}

/// @notice What a market trades.
enum MarketKind {
    PERPETUAL,
    FUTURE
}

/// @notice Who may do what in a market.
enum MarketStatus {
    NONE,
    OPEN,
    REDUCE_ONLY,
    HALTED,
    EXPIRED
}

/// @notice Why a fill was left out of a batch. Twin: optimistic/protocol/settlement/reasons.py.
enum Bust {
    NONE,
    MARKET_NOT_OPEN,
    STALE_PRICE,
    MARKETS_DIFFER,
    SAME_SIDE,
    SELF_TRADE,
    BAD_SIGNATURE,
    UNKNOWN_SUBACCOUNT,
    EXPIRED,
    NONCE_BELOW_FLOOR,
    PRICE,
    POST_ONLY,
    FEE_CAP,
    OVERFILLED,
    NOT_REDUCING,
    OPEN_INTEREST,
    TOO_MANY_LEGS,
    MARGIN
}

function eqSubaccount(SubaccountId a, SubaccountId b) pure returns (bool) {
    return SubaccountId.unwrap(a) == SubaccountId.unwrap(b);
}

function neqSubaccount(SubaccountId a, SubaccountId b) pure returns (bool) {
    return SubaccountId.unwrap(a) != SubaccountId.unwrap(b);
}

function eqMarket(MarketId a, MarketId b) pure returns (bool) {
    return MarketId.unwrap(a) == MarketId.unwrap(b);
}

function neqMarket(MarketId a, MarketId b) pure returns (bool) {
    return MarketId.unwrap(a) != MarketId.unwrap(b);
}
