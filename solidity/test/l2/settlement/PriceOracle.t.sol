// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {PRICE_ORACLE, RISK_GOVERNOR} from "../../../src/libraries/Constants.sol";
import {FeedId, PriceUse} from "../../../src/types/Settlement.sol";
import {PriceWorld} from "../../helpers/PriceWorld.sol";

contract PriceOracleTest is PriceWorld {
    uint256 internal constant PRICE = 2000e18;

    function setUp() public {
        setUpPrices();
    }

    function expectError(bytes4 selector) internal {
        vm.expectPartialRevert(selector, PRICE_ORACLE);
    }

    /* PUSH */

    function test_push_acceptsAQuorumAndEmits() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        vm.expectEmit(PRICE_ORACLE);
        emit IPriceOracle.PricePushed(FEED, PRICE, uint64(START), 3);
        ORACLE.push(FEED, observations);
        (uint256 price, uint64 time) = ORACLE.latest(FEED);
        assertEq(price, PRICE);
        assertEq(time, START);
        assertEq(ORACLE.averageWad(FEED), PRICE);
    }

    function testFuzz_push_isTheLowerMedianOnTheQuantum(uint256[4] memory prices, bool isWhole) public {
        uint256 count = isWhole ? 4 : 3;
        IPriceOracle.Observation[] memory observations = new IPriceOracle.Observation[](count);
        for (uint256 i = 0; i < count; ++i) {
            prices[i] = bound(prices[i], 1e6, 1e27);
            observations[i] = sign(keys[i], FEED, prices[i], START);
        }
        ORACLE.push(FEED, observations);
        (uint256 price,) = ORACLE.latest(FEED);
        assertEq(price % 1e6, 0);
        uint256 below = 0;
        uint256 notAbove = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (prices[i] / 1e6 < price / 1e6) ++below;
            if (prices[i] / 1e6 <= price / 1e6) ++notAbove;
        }
        // The second smallest of three or of four.
        assertLe(below, 1);
        assertGe(notAbove, 2);
    }

    function test_push_timeIsTheOldestObservation() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        observations[1] = sign(keys[1], FEED, PRICE, START - 9);
        ORACLE.push(FEED, observations);
        (, uint64 time) = ORACLE.latest(FEED);
        assertEq(time, START - 9);
    }

    function test_push_tooFew_reverts() public {
        IPriceOracle.Observation[] memory observations = agree(2, PRICE, START);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.TooFewObservations.selector, 2, 3));
        ORACLE.push(FEED, observations);
    }

    function test_push_unknownFeed_reverts() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.UnknownFeed.selector, FeedId.wrap(8)));
        ORACLE.push(FeedId.wrap(8), observations);
    }

    function test_push_notSorted_reverts() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        (observations[0], observations[1]) = (observations[1], observations[0]);
        vm.expectRevert(IPriceOracle.SignersNotSorted.selector);
        ORACLE.push(FEED, observations);
    }

    function test_push_sameSignerTwice_reverts() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        observations[1] = sign(keys[0], FEED, PRICE + 1e6, START);
        vm.expectRevert(IPriceOracle.SignersNotSorted.selector);
        ORACLE.push(FEED, observations);
    }

    function test_push_priceAboveTheRange_reverts() public {
        IPriceOracle.Observation[] memory observations = agree(3, 1e27, START);
        ORACLE.push(FEED, observations);
        observations = agree(4, 1e27 + 1, START + 1);
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.PriceTooHigh.selector, 1e27 + 1));
        ORACLE.push(FEED, observations);
    }

    /* SIGNATURES */

    function test_pitfall_05__pushOfAStranger__isRefused() public {
        (address stranger, uint256 key) = makeAddrAndKey("stranger");
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        observations[0] = sign(key, FEED, PRICE, START);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.NotSigner.selector, stranger));
        ORACLE.push(FEED, observations);
    }

    function testFuzz_push_changedContent_reverts(uint256 price, uint64 time) public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        price = bound(price, 1, 1e27);
        time = uint64(bound(time, 1, START));
        vm.assume(price != PRICE || time != START);
        (observations[2].priceWad, observations[2].timestamp) = (price, time);
        expectError(IPriceOracle.NotSigner.selector);
        ORACLE.push(FEED, observations);
    }

    function test_push_ofAnotherFeed_reverts() public {
        setFeed(FeedId.wrap(8), defaultFeed());
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        expectError(IPriceOracle.NotSigner.selector);
        ORACLE.push(FeedId.wrap(8), observations);
    }

    function test_push_ofAnotherChain_reverts() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        vm.chainId(block.chainid + 1);
        expectError(IPriceOracle.NotSigner.selector);
        ORACLE.push(FEED, observations);
    }

    function test_push_signatureWithHighS_reverts() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0], digestOf(FEED, PRICE, START));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        observations[0].signature = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(IPriceOracle.InvalidSignature.selector);
        ORACLE.push(FEED, observations);
    }

    function testFuzz_push_signatureOfNobody_reverts(uint8 v, uint256 length) public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START);
        bytes memory signature = observations[0].signature;
        if (v == 27 || v == 28) {
            signature = new bytes(bound(length, 0, 200));
        } else {
            signature[64] = bytes1(v);
        }
        observations[0].signature = signature;
        vm.expectRevert(IPriceOracle.InvalidSignature.selector);
        ORACLE.push(FEED, observations);
    }

    /* FRESHNESS */

    function test_fresh_boundaryOfEachUse() public {
        push(PRICE);
        uint32[3] memory ages = defaultFeed().maxAgeS;
        for (uint256 use = 0; use < 3; ++use) {
            vm.warp(START + ages[use] - 1);
            assertTrue(ORACLE.isFresh(FEED, PriceUse(use)));
            vm.warp(START + ages[use]);
            assertEq(ORACLE.fresh(FEED, PriceUse(use)), PRICE);
            vm.warp(START + ages[use] + 1);
            assertFalse(ORACLE.isFresh(FEED, PriceUse(use)));
            vm.expectRevert(
                abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FEED, uint64(START), uint256(ages[use]))
            );
            ORACLE.fresh(FEED, PriceUse(use));
        }
    }

    function test_fresh_withoutAPrice_isStale() public {
        assertFalse(ORACLE.isFresh(FEED, PriceUse.REDUCE));
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FEED, uint64(0), uint256(120)));
        ORACLE.fresh(FEED, PriceUse.REDUCE);
        (uint256 price, uint64 time, uint32[3] memory ages) = ORACLE.reading(FEED);
        assertEq(price + time, 0);
        assertEq(ages[2], 120);
    }

    /* JUMP */

    function test_push_jumpBoundary() public {
        push(PRICE);
        vm.warp(START + 1);
        uint256 most = PRICE * 110 / 100;
        IPriceOracle.Observation[] memory observations = agree(3, most + 1e6, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.Jump.selector, most + 1e6, PRICE));
        ORACLE.push(FEED, observations);
        uint256 least = PRICE * 90 / 100;
        observations = agree(3, least - 1e6, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.Jump.selector, least - 1e6, PRICE));
        ORACLE.push(FEED, observations);
        push(most);
        vm.warp(START + 2);
        push(most * 90 / 100);
    }

    function test_push_jumpOfAllSigners_isAccepted() public {
        push(PRICE);
        vm.warp(START + 1);
        pushAll(PRICE * 149 / 100);
        (uint256 price,) = ORACLE.latest(FEED);
        assertEq(price, PRICE * 149 / 100);
    }

    /* BREAKER */

    function test_push_breakerBoundary_evenForAllSigners() public {
        push(PRICE);
        vm.warp(START + 1);
        IPriceOracle.Observation[] memory observations = agree(4, PRICE * 3 / 2 + 1e6, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.Breaker.selector, PRICE * 3 / 2 + 1e6, PRICE));
        ORACLE.push(FEED, observations);
        observations = agree(4, PRICE / 2 - 1e6, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.Breaker.selector, PRICE / 2 - 1e6, PRICE));
        ORACLE.push(FEED, observations);
        pushAll(PRICE * 3 / 2);
    }

    function test_push_breaker_ladderOfJumps_isStoppedWithinFiveMinutes() public {
        push(PRICE);
        uint256 price = PRICE;
        for (uint256 i = 1; i <= 4; ++i) {
            vm.warp(START + i);
            price = price * 110 / 100;
            push(price);
        }
        vm.warp(START + 5);
        IPriceOracle.Observation[] memory observations = agree(3, price * 110 / 100, START + 5);
        expectError(IPriceOracle.Breaker.selector);
        ORACLE.push(FEED, observations);
    }

    function test_push_breaker_endsAfterFiveMinutesOfSilence() public {
        push(PRICE);
        vm.warp(START + 299);
        IPriceOracle.Observation[] memory observations = agree(4, PRICE * 2, START + 299);
        expectError(IPriceOracle.Breaker.selector);
        ORACLE.push(FEED, observations);
        vm.warp(START + 300);
        pushAll(PRICE * 2);
        assertEq(ORACLE.averageWad(FEED), PRICE);
    }

    function testFuzz_averageWad_staysBetweenThePrices(uint256[8] memory moves, uint256[8] memory gaps) public {
        push(PRICE);
        (uint256 least, uint256 most) = (PRICE, PRICE);
        for (uint256 i = 0; i < 8; ++i) {
            vm.warp(block.timestamp + bound(gaps[i], 1, 400));
            uint256 price = PRICE * bound(moves[i], 85, 115) / 100;
            pushAll(price);
            assertTrue(ORACLE.averageWad(FEED) >= least && ORACLE.averageWad(FEED) <= most);
            (least, most) = (price < least ? price : least, price > most ? price : most);
        }
    }

    /* GOVERNANCE */

    function test_setFeed_notTheGovernor_reverts() public {
        vm.expectRevert(IPriceOracle.NotGovernor.selector);
        ORACLE.setFeed(FEED, defaultFeed(), signers);
    }

    function test_setFeed_replacesSigners() public {
        push(PRICE);
        address[] memory others = new address[](4);
        for (uint160 i = 0; i < 4; ++i) {
            others[i] = address(i + 1000);
        }
        vm.prank(RISK_GOVERNOR);
        ORACLE.setFeed(FEED, defaultFeed(), others);
        vm.warp(START + 1);
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START + 1);
        expectError(IPriceOracle.NotSigner.selector);
        ORACLE.push(FEED, observations);
        (, address[] memory stored) = ORACLE.feed(FEED);
        assertEq(stored, others);
        (uint256 price,) = ORACLE.latest(FEED);
        assertEq(price, PRICE, "the price stays");
    }

    function refused(IPriceOracle.Feed memory setting, address[] memory who, bytes32 parameter) internal {
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.OutOfBounds.selector, parameter));
        vm.prank(RISK_GOVERNOR);
        ORACLE.setFeed(FEED, setting, who);
    }

    function test_setFeed_boundsOfTheQuorum() public {
        IPriceOracle.Feed memory setting = defaultFeed();
        setting.quorum = 2;
        refused(setting, signers, "quorum");
        setting.quorum = 4;
        refused(setting, signers, "quorum");
        setting.quorum = 3;
        refused(setting, new address[](3), "quorum");
        refused(setting, new address[](5), "quorum");
        refused(setting, new address[](17), "signers");
    }

    function test_setFeed_boundsOfJumpAndAges() public {
        IPriceOracle.Feed memory setting = defaultFeed();
        setting.maxJumpPips = 999;
        refused(setting, signers, "maxJumpPips");
        setting.maxJumpPips = 200_001;
        refused(setting, signers, "maxJumpPips");
        setting = defaultFeed();
        setting.maxAgeS = [uint32(0), 30, 120];
        refused(setting, signers, "maxAgeS");
        setting.maxAgeS = [uint32(31), 30, 120];
        refused(setting, signers, "maxAgeS");
        setting.maxAgeS = [uint32(15), 121, 120];
        refused(setting, signers, "maxAgeS");
        setting.maxAgeS = [uint32(121), 121, 121];
        refused(setting, signers, "maxAgeS");
        setting.maxAgeS = [uint32(15), 301, 301];
        refused(setting, signers, "maxAgeS");
        setting.maxAgeS = [uint32(15), 30, 601];
        refused(setting, signers, "maxAgeS");
    }

    function test_setFeed_signersNotSortedOrZero_reverts() public {
        address[] memory who = signers;
        (who[0], who[1]) = (who[1], who[0]);
        vm.prank(RISK_GOVERNOR);
        vm.expectRevert(IPriceOracle.SignersNotSorted.selector);
        ORACLE.setFeed(FEED, defaultFeed(), who);
        who[1] = who[0];
        who[0] = address(0);
        vm.prank(RISK_GOVERNOR);
        vm.expectRevert(IPriceOracle.SignersNotSorted.selector);
        ORACLE.setFeed(FEED, defaultFeed(), who);
    }

    function test_feed_unknown_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.UnknownFeed.selector, FeedId.wrap(9)));
        ORACLE.feed(FeedId.wrap(9));
    }
}
