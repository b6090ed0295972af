// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../interfaces/settlement/IClearing.sol";
import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {IRiskManager} from "../../interfaces/settlement/IRiskManager.sol";
import {LEDGER, LIQUIDATOR, MARKETS, RISK_MANAGER} from "../../libraries/Constants.sol";
import {BatchCodec} from "../../libraries/settlement/BatchCodec.sol";
import {Account, Book, Entry, Leg, Market, Match, Netting} from "../../libraries/settlement/Netting.sol";
import {OrderHash} from "../../libraries/settlement/OrderHash.sol";
import {Quantum} from "../../libraries/settlement/Quantum.sol";
import {SignedEntries} from "../../libraries/settlement/SignedEntries.sol";
import {
    Bust,
    MarketId,
    MarketStatus,
    QUANTUM_WAD,
    SubaccountChange,
    SubaccountId,
    WAD
} from "../../types/Settlement.sol";

/// @title Clearing (L2)
/// @notice See IClearing. Predeploy: genesis writes its code; there is no constructor.
/// @dev A batch is worked out in memory, in rounds: fills in their order, then one margin check per touched subaccount;
/// who fails loses all fills of the batch and the next round starts over. What the last round leaves is written once.
contract Clearing is SignedEntries {
    using BatchCodec for bytes;
    using Netting for Book;
    using Netting for Match;

    /* CONSTANTS */

    /// @dev Lots have 48 bits, and no order is filled beyond its lots.
    uint256 private constant LANE_BITS = 48;
    uint256 private constant LANES = 5;

    /* STORAGE */

    /// @dev Five counters per slot: quotes of one tree with neighbouring indices share one.
    mapping(bytes32 key => mapping(uint256 group => uint256 lanes)) internal _filled;

    /* BATCHES */

    /// @inheritdoc IClearing
    function settleBatch(bytes calldata batch) external returns (uint256 nFills) {
        ILedger(LEDGER).enter();
        BatchCodec.Layout memory layout = batch.layout();
        Book memory book;
        book.accounts = _loadAccounts(batch, layout, layout.nSubaccounts);
        book.markets = _loadMarkets(batch, layout, false);
        _loadEntries(batch, layout, book);
        nFills = _settle(batch, book);
        _noteTrades(book.markets);
        ILedger(LEDGER).leave();
    }

    /// @inheritdoc IClearing
    function closeAgainst(SubaccountId taker, MarketId market, int256 sizeWad, int256 limitWad, bytes calldata makers)
        external
        returns (int256 closedWad, int256 notionalWad)
    {
        if (msg.sender != LIQUIDATOR) revert NotModule(msg.sender);
        BatchCodec.Layout memory layout = makers.layout();
        Book memory book;
        book.isClose = true;
        book.accounts = _loadAccounts(makers, layout, layout.nSubaccounts + 1);
        book.markets = _loadMarkets(makers, layout, true);
        _loadEntries(makers, layout, book);
        _loadAccount(book.accounts[layout.nSubaccounts], taker);
        uint256 place = _placeOf(book.markets, market, layout.marketsAt);
        _addTaker(book, place, sizeWad, limitWad);
        _settle(makers, book);
        closedWad = book.markets[place].volumeWad;
        if (sizeWad < 0) closedWad = -closedWad;
        notionalWad = book.markets[place].notionalWad;
    }

    /* VIEWS */

    /// @inheritdoc IClearing
    function filledLots(bytes32 key, uint16 index) external view returns (uint64) {
        return uint64(_laneOf(_filled[key][index / LANES], index));
    }

    /* LOADING */

    /// @dev The subaccounts of the table; of `count`, those beyond it stay empty.
    function _loadAccounts(bytes calldata data, BatchCodec.Layout memory layout, uint256 count)
        private
        view
        returns (Account[] memory accounts)
    {
        accounts = new Account[](count);
        for (uint256 i = 0; i < layout.nSubaccounts; ++i) {
            uint256 at = layout.subaccountsAt + i * BatchCodec.SUBACCOUNT_BYTES;
            uint256 id = data.number(at, BatchCodec.SUBACCOUNT_BYTES);
            _loadAccount(accounts[i], SubaccountId.wrap(uint64(id)));
        }
    }

    function _loadAccount(Account memory account, SubaccountId id) private view {
        account.id = id;
        (account.owner,,) = ILedger(LEDGER).subaccount(id);
        account.nonceFloor = nonceFloor[account.owner];
    }

    /// @dev The markets of the table, brought up to the latest price; one that is not listed has no status.
    function _loadMarkets(bytes calldata data, BatchCodec.Layout memory layout, bool isClose)
        private
        returns (Market[] memory markets)
    {
        markets = new Market[](layout.nMarkets);
        for (uint256 i = 0; i < markets.length; ++i) {
            uint256 id = data.number(layout.marketsAt + i * BatchCodec.MARKET_BYTES, BatchCodec.MARKET_BYTES);
            markets[i].id = MarketId.wrap(uint32(id));
            _loadMarket(markets[i], isClose);
        }
    }

    function _loadMarket(Market memory market, bool isClose) private {
        IMarkets.Trading memory trading = IMarkets(MARKETS).refreshForTrading(market.id);
        market.isReduceOnly = trading.status == MarketStatus.REDUCE_ONLY;
        market.isOpen = (trading.status == MarketStatus.OPEN || market.isReduceOnly)
            && trading.lotWad <= Netting.MAX_STEP_WAD && trading.tickWad <= Netting.MAX_STEP_WAD;
        (market.lotWad, market.tickWad) = (trading.lotWad, trading.tickWad);
        // The Liquidator has its own bound for the age of a price, and the margin engine one for the makers.
        market.isFresh = isClose || trading.canIncrease;
        market.isStale = !trading.canReduce;
        (market.markWad, market.settleIndexWad) = (trading.markWad, trading.settleIndexWad);
        (market.makerFeePips, market.takerFeePips) = (trading.makerFeePips, trading.takerFeePips);
        market.positionCapWad = trading.positionCapWad;
        market.openInterestCapWad = int256(uint256(trading.openInterestCapWad));
        market.openInterestBeforeWad = ILedger(LEDGER).openInterestWad(market.id);
        market.openInterestWad = market.openInterestBeforeWad;
    }

    /// @dev Quotes and orders, then what storage says about them.
    function _loadEntries(bytes calldata data, BatchCodec.Layout memory layout, Book memory book) private view {
        Reader memory reader;
        reader.domain = OrderHash.separator();
        (reader.accounts, reader.markets) = (book.accounts, book.markets);
        reader.order.typeHash = OrderHash.ORDER_TYPE;
        reader.quotes.typeHash = OrderHash.QUOTES_TYPE;
        bytes calldata entries = data.beforeFills(layout);
        // One more for the taker of a liquidation.
        reader.entries = _roomForEntries(entries.length / BatchCodec.LEAF_BYTES + 1);
        uint256 at = _readQuotes(entries, layout.entriesAt, layout.nQuotes, reader);
        book.fillsAt = _readOrders(entries, at, layout.nOrders, reader);
        if (book.fillsAt != entries.length) revert MalformedBatch(book.fillsAt);
        book.entries = reader.entries;
        _cut(book.entries, reader.count);
        // Of every entry one, the taker of a liquidation, and none at number zero.
        book.legs = _roomForLegs(reader.count + 2);
        book.reasons = new bytes(layout.nFills);
        _loadFilled(book);
        for (uint256 i = 0; i < book.entries.length; ++i) {
            Entry memory entry = book.entries[i];
            if (!_canFill(book, entry)) continue;
            entry.leg = _legOf(book, book.accounts[entry.account], entry.market);
        }
    }

    /// @dev Lots filled before the batch; neighbours are read together.
    function _loadFilled(Book memory book) private view {
        bytes32 key;
        uint256 group;
        uint256 lanes;
        for (uint256 i = 0; i < book.entries.length; ++i) {
            Entry memory entry = book.entries[i];
            if (!_canFill(book, entry)) continue;
            if (entry.key != key || entry.index / LANES != group) {
                (key, group) = (entry.key, entry.index / LANES);
                lanes = _filled[key][group];
            }
            entry.filled = _laneOf(lanes, entry.index);
        }
    }

    /// @dev Whether an entry is sound as such, so that storage has something to say about it.
    function _canFill(Book memory book, Entry memory entry) private pure returns (bool) {
        return entry.reason == Bust.NONE && book.markets[entry.market].isOpen;
    }

    function _legOf(Book memory book, Account memory account, uint256 place) private view returns (uint256 number) {
        number = book.find(account, place);
        if (number != 0) return number;
        int256 sizeWad = ILedger(LEDGER).position(account.id, book.markets[place].id).sizeWad;
        if (sizeWad == 0) account.nLegs = ILedger(LEDGER).nLegs(account.id);
        return book.push(account, place, sizeWad);
    }

    /// @dev Room for structs, none of which exists yet.
    function _roomForEntries(uint256 count) private pure returns (Entry[] memory entries) {
        uint256[] memory words = new uint256[](count);
        assembly ("memory-safe") {
            entries := words
        }
    }

    function _roomForLegs(uint256 count) private pure returns (Leg[] memory legs) {
        uint256[] memory words = new uint256[](count);
        assembly ("memory-safe") {
            legs := words
        }
    }

    /// @dev Shorten an array.
    function _cut(Entry[] memory entries, uint256 count) private pure {
        assembly ("memory-safe") {
            mstore(entries, count)
        }
    }

    function _placeOf(Market[] memory markets, MarketId market, uint256 at) private pure returns (uint256) {
        for (uint256 i = 0; i < markets.length; ++i) {
            if (markets[i].id == market) return i;
        }
        revert MalformedBatch(at);
    }

    /// @dev The liquidated side as the last entry: it has no signature, no fee, and only reduces.
    function _addTaker(Book memory book, uint256 place, int256 sizeWad, int256 limitWad) private view {
        uint256 last = book.entries.length;
        _cut(book.entries, last + 1);
        Market memory market = book.markets[place];
        Entry memory taker;
        book.entries[last] = taker;
        taker.account = book.accounts.length - 1;
        taker.market = place;
        taker.isBuy = sizeWad > 0;
        taker.flags = Netting.REDUCE_ONLY;
        if (!market.isOpen) return;
        int256 tickWad = int256(market.tickWad);
        int256 ticks = taker.isBuy ? Quantum.floorDiv(limitWad, tickWad) : Quantum.ceilDiv(limitWad, tickWad);
        taker.ticks = ticks > 0 ? uint256(ticks) : 0;
        taker.lots = Quantum.abs(sizeWad) / market.lotWad;
        taker.leg = _legOf(book, book.accounts[taker.account], place);
    }

    /* ROUNDS */

    /// @dev Work a batch out and commit it.
    function _settle(bytes calldata data, Book memory book) private returns (uint256 nFills) {
        Match memory m;
        SubaccountChange[] memory changes;
        bool isDone = false;
        while (!isDone) {
            book.reset();
            nFills = _playFills(data, book, m);
            (changes, isDone) = _checkMargins(book);
        }
        _storeFilled(book.entries);
        if (changes.length != 0) ILedger(LEDGER).settle(changes);
        _journal(data, book, m);
        emit BatchSettled(_hash(data), nFills, book.reasons.length - nFills);
    }

    /// @dev One round over all fills.
    function _playFills(bytes calldata data, Book memory book, Match memory m) private pure returns (uint256 nFills) {
        bool isClose = book.isClose;
        for (uint256 i = 0; i < book.reasons.length; ++i) {
            _readFill(data, book, m, i);
            Bust reason = m.judge(isClose);
            if (reason == Bust.NONE) {
                m.size();
                reason = m.judgeInOrder(isClose);
            }
            if (reason == Bust.NONE) {
                m.value(isClose);
                m.execute();
                ++nFills;
            }
            book.reasons[i] = bytes1(uint8(reason));
        }
    }

    /// @dev The fill number `i`; in a liquidation the lots are at most what the taker still has to close.
    function _readFill(bytes calldata data, Book memory book, Match memory m, uint256 i) private pure {
        uint256 at;
        unchecked {
            at = book.fillsAt + i * BatchCodec.FILL_BYTES;
        }
        uint256 packed = uint256(data.rawWord(at));
        uint256 maker = BatchCodec.bits(packed, 0, 16);
        uint256 taker = BatchCodec.bits(packed, 16, 16);
        Entry[] memory entries = book.entries;
        m.lots = BatchCodec.bits(packed, 32, 48);
        if (m.lots == 0) revert MalformedBatch(at);
        if (book.isClose) {
            if (taker != BatchCodec.NO_TAKER || maker == entries.length - 1) revert MalformedBatch(at);
            taker = entries.length - 1;
        }
        if (maker >= entries.length || taker >= entries.length) revert MalformedBatch(at);
        m.maker = entries[maker];
        m.taker = entries[taker];
        m.market = book.markets[m.maker.market];
        m.makerAccount = book.accounts[m.maker.account];
        m.takerAccount = book.accounts[m.taker.account];
        if (m.maker.leg != 0) m.makerLeg = book.legs[m.maker.leg];
        if (m.taker.leg != 0) m.takerLeg = book.legs[m.taker.leg];
        if (book.isClose) m.lots = _min(m.lots, m.taker.lots - m.taker.used);
    }

    /// @dev Ask the margin engine about every subaccount that was touched, but not about the one that is liquidated.
    /// @return changes What to settle if all passed.
    function _checkMargins(Book memory book) private view returns (SubaccountChange[] memory changes, bool allPass) {
        uint256 count;
        for (uint256 i = 0; i < book.accounts.length; ++i) {
            if (book.accounts[i].isTouched) ++count;
        }
        changes = new SubaccountChange[](count);
        uint256 nChecked = book.isClose ? book.accounts.length - 1 : book.accounts.length;
        allPass = true;
        for (uint256 i = book.accounts.length; i > 0; --i) {
            Account memory account = book.accounts[i - 1];
            if (!account.isTouched) continue;
            SubaccountChange memory change = book.changeOf(account);
            changes[--count] = change;
            if (i > nChecked) continue;
            account.dropped = IRiskManager(RISK_MANAGER).checkTrade(change.id, change.legs, change.cashDeltaWad);
            if (account.dropped != Bust.NONE) allPass = false;
        }
    }

    /* COMMITTING */

    /// @dev An order that appears twice in a batch counts for both: together they must not exceed it.
    function _storeFilled(Entry[] memory entries) private {
        bytes32 key;
        uint256 group;
        uint256 lanes;
        for (uint256 i = 0; i < entries.length; ++i) {
            Entry memory entry = entries[i];
            if (entry.used == 0 || entry.key == 0) continue;
            if (entry.key != key || entry.index / LANES != group) {
                if (key != 0) _filled[key][group] = lanes;
                (key, group) = (entry.key, entry.index / LANES);
                lanes = _filled[key][group];
            }
            if (_laneOf(lanes, entry.index) + entry.used > entry.lots) revert EntryTwice(key, entry.index);
            lanes += entry.used << (entry.index % LANES * LANE_BITS);
        }
        if (key != 0) _filled[key][group] = lanes;
    }

    /// @dev One event per fill.
    function _journal(bytes calldata data, Book memory book, Match memory m) private {
        for (uint256 i = 0; i < book.entries.length; ++i) {
            book.entries[i].used = 0;
        }
        for (uint256 i = 0; i < book.reasons.length; ++i) {
            _readFill(data, book, m, i);
            Bust reason = Bust(uint8(book.reasons[i]));
            if (reason != Bust.NONE) {
                emit FillBusted(i, m.makerAccount.id, m.takerAccount.id, reason);
                continue;
            }
            m.size();
            m.value(book.isClose);
            m.taker.used += m.lots;
            _emitFilled(m);
        }
    }

    function _emitFilled(Match memory m) private {
        emit Filled(
            m.market.id,
            m.makerAccount.id,
            m.takerAccount.id,
            m.takerSizeWad,
            uint256(m.priceWad),
            _keyOf(m.maker),
            _keyOf(m.taker),
            m.makerFeeWad,
            m.takerFeeWad
        );
    }

    function _keyOf(Entry memory entry) private pure returns (bytes32) {
        return entry.isQuote ? OrderHash.leafKey(entry.key, entry.index) : entry.key;
    }

    /// @dev The volume-weighted price per market, rounded down.
    function _noteTrades(Market[] memory markets) private {
        for (uint256 i = 0; i < markets.length; ++i) {
            Market memory market = markets[i];
            if (market.volumeWad == 0) continue;
            int256 vwapWad = Quantum.floorTo(market.notionalWad * WAD / market.volumeWad, QUANTUM_WAD);
            IMarkets(MARKETS).noteTrades(market.id, vwapWad);
        }
    }

    /* PRIVATE */

    /// @dev The counter of an index in its slot.
    function _laneOf(uint256 lanes, uint256 index) private pure returns (uint256) {
        unchecked {
            return (lanes >> (index % LANES * LANE_BITS)) & ((1 << LANE_BITS) - 1);
        }
    }

    /// @dev keccak256 without keeping a copy.
    function _hash(bytes calldata data) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, data.offset, data.length)
            result := keccak256(free, data.length)
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
