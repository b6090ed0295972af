// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {CLEARING, COLLATERAL, INSURANCE_FUND, LIQUIDATOR, MARKETS} from "../../libraries/Constants.sol";
import {Account, LegList} from "../../libraries/settlement/LegList.sol";
import {Quantum} from "../../libraries/settlement/Quantum.sol";
import {
    BAD_DEBT,
    CashReason,
    FEES,
    INSURANCE,
    Leg,
    LegChange,
    MAX_LEGS,
    MarketId,
    PENDING,
    Position,
    SubaccountChange,
    SubaccountId,
    VAULT
} from "../../types/Settlement.sol";

/// @title The ledger (L2)
/// @notice See ILedger. Predeploy: genesis writes its code and `nextSubaccount`; there is no constructor.
contract Ledger is ILedger {
    using LegList for Account;

    /// @dev What a market is to the ledger. One slot.
    struct Book {
        int128 openInterestWad;
        /// Meaningful once closed.
        int120 lastIndexWad;
        bool isClosed;
    }

    /// @dev Sums over the changes of one call.
    struct Tally {
        MarketId market;
        int256 indexWad;
        int256 sizeWad;
        int256 openInterestWad;
    }

    /* STORAGE */

    /// @inheritdoc ILedger
    SubaccountId public nextSubaccount;

    mapping(SubaccountId id => Account) internal _accounts;
    mapping(MarketId market => Book) internal _books;

    /// @dev Who holds the lock; zero if it is free.
    address internal transient _holder;

    /* MODIFIERS */

    /// @dev Balances change under the lock only.
    modifier entered() {
        if (_holder == address(0)) revert NotEntered();
        _;
    }

    /* EVERYBODY */

    /// @inheritdoc ILedger
    function open(uint8 marginMode) external returns (SubaccountId id) {
        if (marginMode != 0) revert InvalidMarginMode(marginMode);
        return _open(msg.sender);
    }

    /* MODULES */

    /// @inheritdoc ILedger
    function openFor(address owner) external entered returns (SubaccountId id) {
        if (msg.sender != COLLATERAL) revert NotModule(msg.sender);
        if (owner == address(0)) revert InvalidOwner();
        return _open(owner);
    }

    /// @inheritdoc ILedger
    function settle(SubaccountChange[] calldata changes) external entered {
        if (msg.sender != CLEARING && msg.sender != LIQUIDATOR && msg.sender != MARKETS) revert NotModule(msg.sender);
        Tally[] memory tallies = new Tally[](_countLegs(changes));
        uint256 nMarkets = 0;
        int256 sumWad = 0;
        for (uint256 i = 0; i < changes.length; ++i) {
            nMarkets = _apply(changes[i], tallies, nMarkets);
            sumWad += changes[i].cashDeltaWad;
        }
        for (uint256 i = 0; i < nMarkets; ++i) {
            _closeTally(tallies[i]);
        }
        if (sumWad > 0) revert NotBalanced(sumWad);
        if (sumWad < 0) _setCash(FEES, _accounts[FEES], _accounts[FEES].cashWad - sumWad);
    }

    /// @inheritdoc ILedger
    function closeExpired(MarketId market, SubaccountId[] calldata ids, int256 settlementWad) external entered {
        if (msg.sender != MARKETS) revert NotModule(msg.sender);
        _fixLastIndex(market, settlementWad);
        int256 openInterest = _books[market].openInterestWad;
        for (uint256 i = 0; i < ids.length; ++i) {
            Account storage account = _accounts[ids[i]];
            int256 sizeWad = account.positions[market].sizeWad;
            int256 gainWad = _changeLeg(ids[i], account, LegChange(market, -sizeWad, settlementWad));
            if (gainWad != 0) _setCash(ids[i], account, account.cashWad + gainWad);
            openInterest -= _positive(sizeWad);
        }
        _setOpenInterest(market, openInterest);
    }

    /// @inheritdoc ILedger
    function move(SubaccountId from, SubaccountId to, int256 amountWad, CashReason reason) external entered {
        if (msg.sender != COLLATERAL) _requireMover(from, to);
        if (amountWad < 0) revert NegativeAmount(amountWad);
        _requireKnown(from);
        _requireKnown(to);
        _accounts[from].cashWad -= amountWad;
        _accounts[to].cashWad += amountWad;
        _requireSign(from);
        _requireSign(to);
        emit CashMoved(from, to, amountWad, reason);
    }

    /// @inheritdoc ILedger
    function enter() external {
        if (
            msg.sender != CLEARING && msg.sender != COLLATERAL && msg.sender != LIQUIDATOR
                && msg.sender != INSURANCE_FUND && msg.sender != MARKETS
        ) revert NotModule(msg.sender);
        if (_holder != address(0)) revert Reentered();
        _holder = msg.sender;
    }

    /// @inheritdoc ILedger
    function leave() external {
        if (msg.sender != _holder) revert NotModule(msg.sender);
        _holder = address(0);
    }

    /* VIEWS */

    /// @inheritdoc ILedger
    function subaccount(SubaccountId id) external view returns (address owner, uint8 marginMode, int256 cashWad) {
        Account storage account = _accounts[id];
        return (account.owner, account.marginMode, account.cashWad);
    }

    /// @inheritdoc ILedger
    function position(SubaccountId id, MarketId market) external view returns (Position memory) {
        return _accounts[id].positions[market];
    }

    /// @inheritdoc ILedger
    function nLegs(SubaccountId id) external view returns (uint256) {
        return _accounts[id].nLegs;
    }

    /// @inheritdoc ILedger
    function portfolio(SubaccountId id) external view returns (int256 cashWad, Leg[] memory legs) {
        Account storage account = _accounts[id];
        cashWad = account.cashWad;
        legs = new Leg[](account.nLegs);
        for (uint256 i = 0; i < legs.length; ++i) {
            MarketId market = account.at(i);
            Position memory held = account.positions[market];
            legs[i] = Leg(market, held.sizeWad, held.indexWad);
        }
    }

    /// @inheritdoc ILedger
    function openInterestWad(MarketId market) external view returns (int256) {
        return _books[market].openInterestWad;
    }

    /* INTERNAL */

    function _open(address owner) internal returns (SubaccountId id) {
        id = nextSubaccount;
        nextSubaccount = SubaccountId.wrap(SubaccountId.unwrap(id) + 1);
        _accounts[id].owner = owner;
        emit SubaccountOpened(id, owner, 0);
    }

    /// @dev Makes all changes of one subaccount; returns the number of markets seen so far.
    function _apply(SubaccountChange calldata change, Tally[] memory tallies, uint256 nMarkets)
        internal
        returns (uint256)
    {
        SubaccountId id = change.id;
        Account storage account = _accounts[id];
        if (account.owner == address(0) && id != INSURANCE) revert UnknownSubaccount(id);
        int256 gainWad = change.cashDeltaWad;
        for (uint256 i = 0; i < change.legs.length; ++i) {
            LegChange calldata leg = change.legs[i];
            int256 before = account.positions[leg.market].sizeWad;
            gainWad += _changeLeg(id, account, leg);
            nMarkets = _tally(tallies, nMarkets, leg, before);
        }
        if (account.nLegs > MAX_LEGS) revert TooManyLegs(id);
        if (gainWad != 0) _setCash(id, account, account.cashWad + gainWad);
        return nMarkets;
    }

    /// @dev Settles a leg up to the index of the change and changes its size; returns what it has gained since.
    function _changeLeg(SubaccountId id, Account storage account, LegChange memory leg)
        internal
        returns (int256 gainWad)
    {
        if (!Quantum.isLot(leg.sizeDeltaWad)) revert OffQuantum(leg.sizeDeltaWad);
        if (!Quantum.isQuantum(leg.indexWad)) revert OffQuantum(leg.indexWad);
        Position storage held = account.positions[leg.market];
        (int256 sizeWad, int256 indexWad) = (held.sizeWad, held.indexWad);
        int256 sizeAfterWad = sizeWad + leg.sizeDeltaWad;
        if (sizeWad == 0 && sizeAfterWad == 0) return 0;
        gainWad = Quantum.exact(sizeWad, leg.indexWad - indexWad);
        if (sizeAfterWad == 0) {
            delete account.positions[leg.market];
            account.remove(leg.market);
            emit PositionChanged(id, leg.market, 0, 0);
            return gainWad;
        }
        if (sizeWad == 0) account.add(leg.market);
        held.sizeWad = int128(_inRange(sizeAfterWad, type(int128).max));
        held.indexWad = int128(_inRange(leg.indexWad, type(int128).max));
        emit PositionChanged(id, leg.market, sizeAfterWad, leg.indexWad);
    }

    /// @dev Counts a change in its market's sums; returns the number of markets seen so far.
    function _tally(Tally[] memory tallies, uint256 nMarkets, LegChange calldata leg, int256 before)
        internal
        pure
        returns (uint256)
    {
        uint256 place = 0;
        while (place < nMarkets && tallies[place].market != leg.market) ++place;
        Tally memory tally = tallies[place];
        if (place == nMarkets) {
            (tally.market, tally.indexWad) = (leg.market, leg.indexWad);
            nMarkets += 1;
        } else if (tally.indexWad != leg.indexWad) {
            revert IndicesDiffer(leg.market);
        }
        tally.sizeWad += leg.sizeDeltaWad;
        tally.openInterestWad += _positive(before + leg.sizeDeltaWad) - _positive(before);
        return nMarkets;
    }

    function _closeTally(Tally memory tally) internal {
        if (tally.sizeWad != 0) revert NotBalanced(tally.sizeWad);
        Book storage book = _books[tally.market];
        if (book.isClosed && book.lastIndexWad != tally.indexWad) revert IndicesDiffer(tally.market);
        _setOpenInterest(tally.market, book.openInterestWad + tally.openInterestWad);
    }

    function _fixLastIndex(MarketId market, int256 indexWad) internal {
        Book storage book = _books[market];
        if (book.isClosed) {
            if (book.lastIndexWad != indexWad) revert IndicesDiffer(market);
            return;
        }
        book.isClosed = true;
        book.lastIndexWad = int120(_inRange(indexWad, type(int120).max));
        emit MarketClosed(market, indexWad);
    }

    function _setOpenInterest(MarketId market, int256 valueWad) internal {
        if (_books[market].openInterestWad == valueWad) return;
        _books[market].openInterestWad = int128(_inRange(valueWad, type(int128).max));
        emit OpenInterestChanged(market, valueWad);
    }

    function _setCash(SubaccountId id, Account storage account, int256 cashWad) internal {
        account.cashWad = cashWad;
        emit CashChanged(id, cashWad);
    }

    function _requireMover(SubaccountId from, SubaccountId to) internal view {
        if (msg.sender != LIQUIDATOR && msg.sender != INSURANCE_FUND && msg.sender != CLEARING) {
            revert NotModule(msg.sender);
        }
        // What came in from L1 and what leaves is Collateral's alone.
        if (from == VAULT || to == VAULT || from == PENDING || to == PENDING) revert NotModule(msg.sender);
    }

    function _requireKnown(SubaccountId id) internal view {
        if (_accounts[id].owner == address(0) && !_isPot(id)) revert UnknownSubaccount(id);
    }

    function _requireSign(SubaccountId id) internal view {
        if (id == VAULT || id == BAD_DEBT) {
            if (_accounts[id].cashWad > 0) revert WrongSign(id);
        } else if (id == FEES || id == PENDING) {
            if (_accounts[id].cashWad < 0) revert WrongSign(id);
        }
    }

    function _isPot(SubaccountId id) internal pure returns (bool) {
        uint256 number = SubaccountId.unwrap(id);
        return number >= SubaccountId.unwrap(VAULT) && number <= SubaccountId.unwrap(BAD_DEBT);
    }

    function _countLegs(SubaccountChange[] calldata changes) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < changes.length; ++i) {
            count += changes[i].legs.length;
        }
    }

    function _positive(int256 value) internal pure returns (int256) {
        return value > 0 ? value : int256(0);
    }

    /// @dev `value`, which must lie within `largest` on either side of zero.
    function _inRange(int256 value, int256 largest) internal pure returns (int256) {
        if (value > largest || value < -largest) revert OutOfRange(value);
        return value;
    }
}
