// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {CLEARING} from "../../src/libraries/Constants.sol";
import {FIRST_SUBACCOUNT, MarketId, SubaccountId} from "../../src/types/Settlement.sol";

/// @notice What a trader signs, and with which key.
struct Ticket {
    uint256 signer;
    SubaccountId subaccount;
    MarketId market;
    bool isBuy;
    uint48 lots;
    uint40 ticks;
    uint24 maxFeePips;
    uint40 expiry;
    uint64 nonce;
    uint8 flags;
}

/// @notice One quote of a tree.
struct Quote {
    uint16 index;
    bool isBuy;
    uint48 lots;
    uint40 ticks;
}

/// @notice Writes batches byte by byte, and digests by the words of EIP-712; shares no code with the library it tests.
/// @dev The tables are the first subaccounts of users and the first markets.
abstract contract BatchBuilder is Test {
    struct Draft {
        uint8 nSubaccounts;
        uint8 nMarkets;
        uint8 nQuotes;
        uint16 nLeaves;
        uint16 nOrders;
        uint16 nFills;
        bytes quotes;
        bytes orders;
        bytes fills;
    }

    uint256 internal constant LOT = 1e14;
    uint256 internal constant TICK = 1e17;
    uint8 internal constant REDUCE_ONLY = 1;
    uint8 internal constant POST_ONLY = 2;

    /* BATCHES */

    function bytesOf(Draft memory draft) internal pure returns (bytes memory batch) {
        batch = abi.encodePacked(uint8(1), draft.nSubaccounts);
        for (uint64 i = 0; i < draft.nSubaccounts; ++i) {
            batch = bytes.concat(batch, abi.encodePacked(FIRST_SUBACCOUNT + i));
        }
        batch = bytes.concat(batch, abi.encodePacked(draft.nMarkets));
        for (uint32 i = 0; i < draft.nMarkets; ++i) {
            batch = bytes.concat(batch, abi.encodePacked(i + 1));
        }
        bytes memory counts = abi.encodePacked(draft.nQuotes, draft.nOrders, draft.nFills);
        return bytes.concat(batch, counts, draft.quotes, draft.orders, draft.fills);
    }

    function addOrder(Draft memory draft, Ticket memory ticket) internal view {
        addOrder(draft, ticket, sign(ticket.signer, digestOf(ticket)));
    }

    function addOrder(Draft memory draft, Ticket memory ticket, bytes memory signature) internal pure {
        bytes memory head = abi.encodePacked(
            place(ticket.subaccount),
            uint8(MarketId.unwrap(ticket.market) - 1),
            uint8((ticket.isBuy ? 0x80 : 0) | ticket.flags),
            ticket.lots,
            ticket.ticks
        );
        bytes memory terms = abi.encodePacked(ticket.maxFeePips, ticket.expiry, ticket.nonce, signature);
        draft.orders = bytes.concat(draft.orders, head, terms);
        ++draft.nOrders;
    }

    /// @dev Quotes of one signature, all shown; the tree leans to the left.
    function addQuotes(Draft memory draft, Ticket memory ticket, Quote[] memory quotes) internal view {
        (bytes32 root, bytes memory program) = fold(quotes);
        bytes memory signature = sign(ticket.signer, quotesDigest(ticket, root));
        addProgram(draft, ticket, signature, uint16(2 * quotes.length - 1), program);
        draft.nLeaves += uint16(quotes.length);
    }

    function addProgram(
        Draft memory draft,
        Ticket memory ticket,
        bytes memory signature,
        uint16 nOps,
        bytes memory program
    ) internal pure {
        bytes memory head = abi.encodePacked(place(ticket.subaccount), uint8(MarketId.unwrap(ticket.market) - 1));
        bytes memory terms = abi.encodePacked(ticket.maxFeePips, ticket.expiry, ticket.nonce, signature, nOps);
        draft.quotes = bytes.concat(draft.quotes, head, terms, program);
        ++draft.nQuotes;
    }

    function addFill(Draft memory draft, uint16 maker, uint16 taker, uint48 lots) internal pure {
        draft.fills = bytes.concat(draft.fills, abi.encodePacked(maker, taker, lots));
        ++draft.nFills;
    }

    function place(SubaccountId id) internal pure returns (uint8) {
        return uint8(SubaccountId.unwrap(id) - FIRST_SUBACCOUNT);
    }

    /* HASHES */

    function fold(Quote[] memory quotes) internal pure returns (bytes32 root, bytes memory program) {
        root = leafOf(quotes[0]);
        program = opOf(quotes[0]);
        for (uint256 i = 1; i < quotes.length; ++i) {
            root = keccak256(abi.encodePacked(uint8(1), root, leafOf(quotes[i])));
            program = bytes.concat(program, opOf(quotes[i]), hex"02");
        }
    }

    function leafOf(Quote memory quote) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0), quote.index, quote.isBuy, quote.lots, quote.ticks));
    }

    function opOf(Quote memory quote) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), quote.index, quote.isBuy, quote.lots, quote.ticks);
    }

    function digestOf(Ticket memory ticket) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domain(), structHashOf(ticket, TICK)));
    }

    function structHashOf(Ticket memory ticket, uint256 tickWad) internal pure returns (bytes32) {
        bytes memory start = abi.encode(
            keccak256(
                "Order(uint64 subaccount,uint32 market,bool isBuy,uint256 sizeWad,uint256 priceWad,uint32 maxFeePips,uint64 expiry,uint64 nonce,uint8 flags)"
            ),
            ticket.subaccount,
            ticket.market,
            ticket.isBuy,
            ticket.lots * LOT
        );
        bytes memory end =
            abi.encode(ticket.ticks * tickWad, ticket.maxFeePips, ticket.expiry, ticket.nonce, ticket.flags);
        return keccak256(bytes.concat(start, end));
    }

    function quotesDigest(Ticket memory ticket, bytes32 root) internal view returns (bytes32) {
        bytes memory words = abi.encode(
            keccak256(
                "Quotes(uint64 subaccount,uint32 market,uint32 maxFeePips,uint64 expiry,uint64 nonce,bytes32 root)"
            ),
            ticket.subaccount,
            ticket.market,
            ticket.maxFeePips,
            ticket.expiry,
            ticket.nonce,
            root
        );
        return keccak256(abi.encodePacked(hex"1901", domain(), keccak256(words)));
    }

    function domain() internal view returns (bytes32) {
        return domain(block.chainid, CLEARING);
    }

    function domain(uint256 chainId, address verifier) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Clearing"),
                keccak256("1"),
                chainId,
                verifier
            )
        );
    }

    function sign(uint256 signer, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signer, digest);
        return abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255));
    }
}
