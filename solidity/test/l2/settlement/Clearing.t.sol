// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../../src/interfaces/settlement/IClearing.sol";
import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {CLEARING} from "../../../src/libraries/Constants.sol";
import {Bust, FEES, MarketId, SubaccountId, VAULT} from "../../../src/types/Settlement.sol";
import {Quote, Ticket} from "../../helpers/BatchBuilder.sol";
import {ClearingWorld} from "../../helpers/ClearingWorld.sol";

/// @notice What a batch does when nothing is wrong with it, and what netting must not change.
contract ClearingTest is ClearingWorld {
    /* ONE FILL */

    function test_settleBatch_oneFill_movesPositionsCashAndFees() public {
        Draft memory d = pair(ticket(0, true, 50, 1010), ticket(1, false, 30, 1000), 30);

        vm.expectEmit(CLEARING);
        emit IClearing.Filled(
            BTC,
            user(0),
            user(1),
            -int256(30 * LOT),
            101e18,
            digestOf(ticket(0, true, 50, 1010)),
            digestOf(ticket(1, false, 30, 1000)),
            60_600_000_000_000,
            151_500_000_000_000
        );
        vm.expectEmit(CLEARING);
        emit IClearing.BatchSettled(keccak256(bytesOf(d)), 1, 0);
        assertEq(settle(d), 1);

        // 0.003 at 101, a mark of 100: 0.003 of value off the mark; fees of 0.303.
        assertEq(sizeOf(user(0), BTC), int256(30 * LOT));
        assertEq(sizeOf(user(1), BTC), -int256(30 * LOT));
        assertEq(cashOf(user(0)), 1_000_000e18 - 0.003e18 - 60_600_000_000_000);
        assertEq(cashOf(user(1)), 1_000_000e18 + 0.003e18 - 151_500_000_000_000);
        assertEq(fees(), 212_100_000_000_000);
        assertEq(BOARD.notedWad(BTC), 101e18);
        assertEq(BOARD.nNoted(), 1);
    }

    function test_settleBatch_partialFills_rememberWhatIsFilled() public {
        Ticket memory maker = ticket(0, true, 50, PAR);
        settle(pair(maker, ticket(1, false, 30, PAR), 30));

        assertEq(CLEAR.filledLots(digestOf(maker), 0), 30);
        assertBustOf(pair(maker, ticket(2, false, 30, PAR), 21), Bust.OVERFILLED);
        assertBustOf(pair(maker, ticket(2, false, 30, PAR), 20), Bust.NONE);
        assertEq(CLEAR.filledLots(digestOf(maker), 0), 50);
    }

    function test_settleBatch_nothing_isABatch() public {
        vm.expectEmit(CLEARING);
        emit IClearing.BatchSettled(keccak256(bytesOf(draft())), 0, 0);
        assertEq(settle(draft()), 0);
        assertEq(BOARD.nNoted(), 0);
    }

    /* TREES */

    function test_settleBatch_quotesOfOneSignature_fillEach() public {
        Draft memory d = draft();
        Quote[] memory quotes = ladder(5, true, 10);
        addQuotes(d, ticket(0, false, 0, 0), quotes);
        addOrder(d, ticket(1, false, 50, PAR - 10));
        for (uint16 i = 0; i < 5; ++i) {
            addFill(d, i, 5, 2 + i);
        }

        assertEq(settle(d), 5);

        (bytes32 root,) = fold(quotes);
        bytes32 digest = quotesDigest(ticket(0, false, 0, 0), root);
        for (uint16 i = 0; i < 5; ++i) {
            assertEq(CLEAR.filledLots(digest, i), 2 + i);
        }
        assertEq(sizeOf(user(0), BTC), int256(20 * LOT));
    }

    function test_settleBatch_oneQuoteOfManyShown_fills() public {
        Quote[] memory quotes = ladder(2, true, 10);
        bytes32 root = keccak256(abi.encodePacked(uint8(1), leafOf(quotes[0]), leafOf(quotes[1])));
        Ticket memory maker = ticket(0, true, 0, 0);
        Draft memory d = draft();
        bytes memory program = abi.encodePacked(uint8(0), leafOf(quotes[0]), opOf(quotes[1]), uint8(2));
        addProgram(d, maker, sign(maker.signer, quotesDigest(maker, root)), 3, program);
        addOrder(d, ticket(1, false, 50, PAR - 10));
        addFill(d, 0, 1, 4);

        vm.expectEmit(true, true, true, false, CLEARING);
        emit IClearing.Filled(BTC, user(0), user(1), 0, 0, 0, 0, 0, 0);
        assertEq(settle(d), 1);
        assertEq(CLEAR.filledLots(quotesDigest(maker, root), 1), 4);
    }

    /* ROUNDS */

    function test_settleBatch_oneFailsMargin_othersSettle() public {
        RISK.setFloor(user(1), 0, Bust.MARGIN); // any fee is too much
        Draft memory d = threePairs();

        Bust[] memory reasons = settleForReasons(d);

        assertEq(uint256(reasons[0]), uint256(Bust.MARGIN));
        assertEq(uint256(reasons[1]), uint256(Bust.NONE));
        assertEq(sizeOf(user(1), BTC), 0);
        assertEq(sizeOf(user(2), BTC), int256(5 * LOT));
    }

    function test_settleBatch_lossOfAFillFailsAnother_dropsBothAndSettlesTheRest() public {
        // 2 buys at 95 from 1 (a gain off the mark), and at 105 from 3: without 1 it cannot bear the second.
        RISK.setFloor(user(1), 0, Bust.MARGIN);
        RISK.setFloor(user(2), -0.0001e18, Bust.STALE_PRICE);
        Draft memory d = draft();
        addOrder(d, ticket(1, false, 10, 950));
        addOrder(d, ticket(2, true, 20, 1050));
        addOrder(d, ticket(3, false, 20, 1050));
        addOrder(d, ticket(0, true, 20, 1050));
        addFill(d, 0, 1, 10);
        addFill(d, 2, 1, 10);
        addFill(d, 2, 3, 5);

        Bust[] memory reasons = settleForReasons(d);

        assertEq(uint256(reasons[0]), uint256(Bust.MARGIN));
        assertEq(uint256(reasons[1]), uint256(Bust.STALE_PRICE));
        assertEq(uint256(reasons[2]), uint256(Bust.NONE));
        assertEq(sizeOf(user(0), BTC), int256(5 * LOT));
        assertEq(sizeOf(user(2), BTC), 0);
        assertEq(CLEAR.filledLots(digestOf(ticket(3, false, 20, 1050)), 0), 5);
    }

    /* EXACTNESS */

    /// @dev Netted = sequential: the same fills in one batch and one by one leave the same storage.
    function testFuzz_settleBatch_netted_equalsSequential(uint256 seed) public {
        uint256 nFills = 2 + seed % 7;
        holdPositions(int256(seed % 50) * 1e18);
        uint256 before = vm.snapshotState();
        Draft memory all = draft();
        for (uint256 i = 0; i < nFills; ++i) {
            addRandom(all, seed, i);
            addFill(all, uint16(2 * i), uint16(2 * i + 1), uint48(1 + uint256(keccak256(abi.encode(seed, i))) % 50));
        }
        assertEq(settle(all), nFills);
        bytes32 netted = books();

        vm.revertToState(before);
        for (uint256 i = 0; i < nFills; ++i) {
            Draft memory one = draft();
            addRandom(one, seed, i);
            addFill(one, 0, 1, uint48(1 + uint256(keccak256(abi.encode(seed, i))) % 50));
            assertEq(settle(one), 1);
        }

        assertEq(books(), netted);
    }

    /// @dev A fill in n parts moves the same sizes and the same value; only fees are rounded n times.
    function testFuzz_pitfall_19__splitFill__movesTheSame(uint48 lots, uint40 ticks, uint8 parts) public {
        lots = uint48(bound(lots, 20, 1e9));
        ticks = uint40(bound(ticks, 1, 1e6));
        parts = uint8(bound(parts, 2, 20));
        uint256 before = vm.snapshotState();
        settle(pair(ticket(0, true, lots, ticks), ticket(1, false, lots, ticks), lots));
        (int256 wholeMaker, int256 wholeTaker, int256 wholeFees) = (worth(0), worth(1), fees());

        vm.revertToState(before);
        Draft memory d = draft();
        addOrder(d, ticket(0, true, lots, ticks));
        addOrder(d, ticket(1, false, lots, ticks));
        for (uint256 i = 1; i < parts; ++i) {
            addFill(d, 0, 1, lots / parts);
        }
        addFill(d, 0, 1, lots - (parts - 1) * (lots / parts));
        assertEq(settle(d), parts);

        assertEq(sizeOf(user(0), BTC), int256(lots * LOT));
        assertGe(wholeMaker, worth(0));
        assertLe(wholeMaker - worth(0), int256(uint256(parts)));
        assertLe(wholeTaker - worth(1), int256(uint256(parts)));
        assertEq(wholeMaker + wholeTaker + wholeFees, worth(0) + worth(1) + fees());
    }

    function testFuzz_settleBatch_anyFills_conserveCash(uint256 seed) public {
        Draft memory d = draft();
        for (uint256 i = 0; i < 6; ++i) {
            addRandom(d, seed, i);
        }
        for (uint256 i = 0; i < 12; ++i) {
            uint256 noise = uint256(keccak256(abi.encode("fill", seed, i)));
            addFill(d, uint16(noise % 12), uint16((noise >> 16) % 12), uint48(1 + (noise >> 32) % 80));
        }
        settle(d);

        int256 sum = cashOf(VAULT) + cashOf(FEES);
        int256 sizes;
        for (uint256 i = 0; i < N_TRADERS; ++i) {
            sum += worth(i);
            sizes += sizeOf(user(i), BTC);
        }
        assertEq(sum, 0);
        assertEq(sizes, 0);
    }

    /* HELPERS */

    function assertBustOf(Draft memory d, Bust reason) internal {
        assertEq(uint256(settleForReasons(d)[0]), uint256(reason));
    }

    function threePairs() internal view returns (Draft memory d) {
        d = draft();
        addOrder(d, ticket(0, false, 10, PAR));
        addOrder(d, ticket(1, true, 10, PAR));
        addOrder(d, ticket(2, true, 10, PAR));
        addFill(d, 0, 1, 5);
        addFill(d, 0, 2, 5);
    }

    function ladder(uint16 count, bool isBuy, uint48 lots) internal pure returns (Quote[] memory quotes) {
        quotes = new Quote[](count);
        for (uint16 i = 0; i < count; ++i) {
            quotes[i] = Quote(i, isBuy, lots, PAR - i);
        }
    }

    /// @dev Traders have positions from a time when the settlement index was `offWad` lower.
    function holdPositions(int256 offWad) internal {
        IMarkets.Trading memory trading = openMarket();
        trading.settleIndexWad -= offWad;
        BOARD.set(BTC, trading);
        settle(pair(ticket(0, true, 30, PAR), ticket(1, false, 30, PAR), 30));
        settle(pair(ticket(2, true, 7, PAR), ticket(3, false, 7, PAR), 7));
        BOARD.set(BTC, openMarket());
    }

    /// @dev Two orders that cross, of two of the traders, with nonces of their own.
    function addRandom(Draft memory d, uint256 seed, uint256 i) internal view {
        uint256 noise = uint256(keccak256(abi.encode("order", seed, i)));
        uint256 buyer = noise % N_TRADERS;
        uint256 seller = (buyer + 1 + (noise >> 8) % (N_TRADERS - 1)) % N_TRADERS;
        uint40 ticks = uint40(900 + (noise >> 16) % 200);
        Ticket memory buy = ticket(buyer, true, 50, ticks);
        Ticket memory sell = ticket(seller, false, 50, ticks);
        (buy.nonce, sell.nonce) = (uint64(2 * i + 100), uint64(2 * i + 101));
        addOrder(d, (noise >> 32) % 2 == 0 ? buy : sell);
        addOrder(d, (noise >> 32) % 2 == 0 ? sell : buy);
    }

    /// @dev All that the Ledger knows of the traders and pots.
    function books() internal view returns (bytes32) {
        bytes memory all = abi.encode(cashOf(FEES), BOOKS.openInterestWad(BTC));
        for (uint256 i = 0; i < N_TRADERS; ++i) {
            all = bytes.concat(all, abi.encode(cashOf(user(i)), BOOKS.position(user(i), BTC)));
        }
        return keccak256(all);
    }
}
