// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../interfaces/settlement/IClearing.sol";
import {Bust, SubaccountId} from "../../types/Settlement.sol";
import {BatchCodec} from "./BatchCodec.sol";
import {Account, Entry, Market} from "./Netting.sol";
import {OrderHash, OrderWords, QuotesWords} from "./OrderHash.sol";

/// @notice Reads the signed entries of a batch: hashes them, recovers who signed, and says what is wrong with them.
abstract contract SignedEntries is IClearing {
    using BatchCodec for bytes;
    using OrderHash for OrderWords;
    using OrderHash for QuotesWords;

    /* TYPES */

    struct SessionKey {
        uint64 expiry;
        SubaccountId subaccount;
        uint8 scope;
    }

    /// @dev What a signature covers beside sizes and prices, and the signature.
    struct Signed {
        uint256 account;
        uint256 market;
        uint256 maxFeePips;
        uint256 expiry;
        uint256 nonce;
        bytes32 r;
        bytes32 vs;
    }

    /// @dev What reading needs; one for the whole batch. Entries are written to `entries` from `count` on.
    struct Reader {
        bytes32 domain;
        Account[] accounts;
        Market[] markets;
        Entry[] entries;
        uint256 count;
        Signed signed;
        OrderWords order;
        QuotesWords quotes;
    }

    /* CONSTANTS */

    uint8 internal constant SCOPE_TRADE = 1;
    uint256 private constant MAX_FLAGS = 15;

    /* STORAGE */

    /// @inheritdoc IClearing
    mapping(address owner => uint64) public nonceFloor;

    /// @inheritdoc IClearing
    mapping(address owner => mapping(address key => SessionKey)) public sessionKey;

    /* OWNERS */

    /// @inheritdoc IClearing
    function raiseNonceFloor(uint64 floor) external {
        if (floor <= nonceFloor[msg.sender]) revert FloorNotRaised(nonceFloor[msg.sender]);
        nonceFloor[msg.sender] = floor;
        emit NonceFloorRaised(msg.sender, floor);
    }

    /// @inheritdoc IClearing
    function setSessionKey(address key, uint64 expiry, SubaccountId subaccount, uint8 scope) external {
        if (key == address(0) || scope > SCOPE_TRADE) revert InvalidSessionKey();
        sessionKey[msg.sender][key] = SessionKey({expiry: expiry, subaccount: subaccount, scope: scope});
        emit SessionKeySet(msg.sender, key, expiry, subaccount, scope);
    }

    /* READING */

    /// @dev Read trees of quotes.
    /// @return end Where the orders begin.
    function _readQuotes(bytes calldata data, uint256 at, uint256 count, Reader memory reader)
        internal
        view
        returns (uint256 end)
    {
        Signed memory signed = reader.signed;
        for (uint256 i = 0; i < count; ++i) {
            uint256 packed = data.word(at, BatchCodec.QUOTES_BYTES);
            signed.account = _below(BatchCodec.bits(packed, 0, 8), reader.accounts.length, at);
            signed.market = _below(BatchCodec.bits(packed, 8, 8), reader.markets.length, at + 1);
            signed.maxFeePips = BatchCodec.bits(packed, 16, 24);
            signed.expiry = BatchCodec.bits(packed, 40, 40);
            signed.nonce = BatchCodec.bits(packed, 80, 64);
            signed.r = data.rawWord(at + 18);
            signed.vs = data.rawWord(at + 50);
            uint256 nOps = data.number(at + 82, 2);
            at = _readTree(data, at + BatchCodec.QUOTES_BYTES, nOps, reader);
        }
        return at;
    }

    /// @dev Rebuild the root of one tree, add the quotes it shows.
    function _readTree(bytes calldata data, uint256 at, uint256 nOps, Reader memory reader)
        private
        view
        returns (uint256 end)
    {
        uint256 first = reader.count;
        bytes32 root;
        (root, end) = _runProgram(data, at, nOps, reader);
        Signed memory signed = reader.signed;
        QuotesWords memory quotes = reader.quotes;
        quotes.subaccount = reader.accounts[signed.account].id;
        quotes.market = reader.markets[signed.market].id;
        quotes.maxFeePips = uint32(signed.maxFeePips);
        quotes.expiry = uint64(signed.expiry);
        quotes.nonce = uint64(signed.nonce);
        quotes.root = root;
        bytes32 digest = quotes.digest(reader.domain);
        Bust reason = _authorise(digest, signed, reader.accounts[signed.account]);
        for (uint256 i = first; i < reader.count; ++i) {
            (reader.entries[i].key, reader.entries[i].reason) = (digest, reason);
        }
    }

    /// @dev A program of an odd number of instructions; one more than half of them push.
    function _runProgram(bytes calldata data, uint256 at, uint256 nOps, Reader memory reader)
        private
        pure
        returns (bytes32 root, uint256 end)
    {
        bytes32[] memory stack = new bytes32[](nOps / 2 + 1);
        uint256 height = 0;
        for (; nOps != 0; --nOps) {
            uint256 packed = data.word(at, 1);
            uint256 op = packed >> 248;
            if (op == BatchCodec.OP_NODE) {
                if (height < 2) revert MalformedBatch(at);
                unchecked {
                    --height;
                    stack[height - 1] = OrderHash.node(stack[height - 1], stack[height]);
                    ++at;
                }
                continue;
            }
            if (op > BatchCodec.OP_NODE || height == stack.length) revert MalformedBatch(at);
            unchecked {
                if (op == BatchCodec.OP_LEAF) {
                    stack[height] = _readLeaf(data, at, reader);
                    at += BatchCodec.LEAF_BYTES;
                } else {
                    data.word(at, BatchCodec.HASH_BYTES);
                    stack[height] = data.rawWord(at + 1);
                    at += BatchCodec.HASH_BYTES;
                }
                ++height;
            }
        }
        if (height != 1) revert MalformedBatch(at);
        return (stack[0], at);
    }

    function _readLeaf(bytes calldata data, uint256 at, Reader memory reader) private pure returns (bytes32) {
        uint256 packed = data.word(at, BatchCodec.LEAF_BYTES);
        uint256 side = BatchCodec.bits(packed, 24, 8);
        if (side > 1) revert MalformedBatch(at);
        Entry memory entry = _add(reader);
        entry.isQuote = true;
        entry.index = BatchCodec.bits(packed, 8, 16);
        entry.isBuy = side == 1;
        entry.lots = BatchCodec.bits(packed, 32, 48);
        entry.ticks = BatchCodec.bits(packed, 80, 40);
        return OrderHash.leaf(packed);
    }

    /// @dev Read orders.
    /// @return end Where the fills begin.
    function _readOrders(bytes calldata data, uint256 at, uint256 count, Reader memory reader)
        internal
        view
        returns (uint256 end)
    {
        end = at + count * BatchCodec.ORDER_BYTES;
        Signed memory signed = reader.signed;
        for (; at < end; at += BatchCodec.ORDER_BYTES) {
            uint256 packed = data.word(at, BatchCodec.ORDER_BYTES);
            signed.account = _below(BatchCodec.bits(packed, 0, 8), reader.accounts.length, at);
            signed.market = _below(BatchCodec.bits(packed, 8, 8), reader.markets.length, at + 1);
            signed.maxFeePips = BatchCodec.bits(packed, 112, 24);
            signed.expiry = BatchCodec.bits(packed, 136, 40);
            signed.nonce = BatchCodec.bits(packed, 176, 64);
            signed.r = data.rawWord(at + 30);
            signed.vs = data.rawWord(at + 62);
            Entry memory entry = _add(reader);
            entry.isBuy = BatchCodec.bits(packed, 16, 1) == 1;
            entry.flags = BatchCodec.bits(packed, 17, 7);
            if (entry.flags > MAX_FLAGS) revert MalformedBatch(at + 2);
            entry.lots = BatchCodec.bits(packed, 24, 48);
            entry.ticks = BatchCodec.bits(packed, 72, 40);
            _judgeOrder(entry, reader);
        }
    }

    function _judgeOrder(Entry memory entry, Reader memory reader) private view {
        Signed memory signed = reader.signed;
        Account memory account = reader.accounts[signed.account];
        Market memory market = reader.markets[signed.market];
        OrderWords memory order = reader.order;
        order.subaccount = account.id;
        order.market = market.id;
        order.isBuy = entry.isBuy;
        order.sizeWad = entry.lots * market.lotWad;
        order.priceWad = entry.ticks * market.tickWad;
        order.maxFeePips = uint32(signed.maxFeePips);
        order.expiry = uint64(signed.expiry);
        order.nonce = uint64(signed.nonce);
        order.flags = uint8(entry.flags);
        entry.key = order.digest(reader.domain);
        entry.reason = _authorise(entry.key, signed, account);
    }

    /// @dev A new entry of what was signed last.
    function _add(Reader memory reader) private pure returns (Entry memory entry) {
        Signed memory signed = reader.signed;
        reader.entries[reader.count] = entry;
        ++reader.count;
        entry.account = signed.account;
        entry.market = signed.market;
        entry.maxFeePips = signed.maxFeePips;
    }

    function _below(uint256 value, uint256 limit, uint256 at) private pure returns (uint256) {
        if (value >= limit) revert MalformedBatch(at);
        return value;
    }

    /* AUTHORITY */

    /// @dev What is wrong with a signature, or with the time of it.
    function _authorise(bytes32 digest, Signed memory signed, Account memory account) private view returns (Bust) {
        if (account.owner == address(0)) return Bust.UNKNOWN_SUBACCOUNT;
        address signer = OrderHash.recover(digest, signed.r, signed.vs);
        if (signer == address(0)) return Bust.BAD_SIGNATURE;
        if (signer != account.owner && !_mayTrade(account, signer)) return Bust.BAD_SIGNATURE;
        if (block.timestamp > signed.expiry) return Bust.EXPIRED;
        return signed.nonce < account.nonceFloor ? Bust.NONCE_BELOW_FLOOR : Bust.NONE;
    }

    /// @dev Whether a key may trade for a subaccount now.
    function _mayTrade(Account memory account, address key) private view returns (bool) {
        SessionKey memory session = sessionKey[account.owner][key];
        if (session.scope & SCOPE_TRADE == 0 || block.timestamp > session.expiry) return false;
        return SubaccountId.unwrap(session.subaccount) == 0 || session.subaccount == account.id;
    }
}
