// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {PRICE_ORACLE} from "../../../src/libraries/Constants.sol";
import {PriceUse} from "../../../src/types/Settlement.sol";
import {PriceWorld} from "../../helpers/PriceWorld.sol";

/// @notice How price feeds of other exchanges failed, and what stops it here. The numbers are those of the regressions.
contract PriceOraclePitfallsTest is PriceWorld {
    uint256 internal constant PRICE = 2000e18;

    function setUp() public {
        setUpPrices();
        push(PRICE);
        vm.warp(START + 1);
    }

    /// @dev A database migration made every price zero, and everybody was liquidated.
    function test_pitfall_16__priceOfZero__isRefused() public {
        IPriceOracle.Observation[] memory observations = agree(4, 0, START + 1);
        vm.expectRevert(IPriceOracle.ZeroPrice.selector);
        ORACLE.push(FEED, observations);
        // One signer's zero is not outvoted silently.
        observations = agree(4, PRICE, START + 1);
        observations[3] = sign(keys[3], FEED, 0, START + 1);
        vm.expectRevert(IPriceOracle.ZeroPrice.selector);
        ORACLE.push(FEED, observations);
    }

    function test_pitfall_16__priceThatRoundsToZero__isRefused() public {
        vm.warp(START + 301);
        IPriceOracle.Observation[] memory observations = agree(4, 1e6 - 1, START + 301);
        vm.expectRevert(IPriceOracle.ZeroPrice.selector);
        ORACLE.push(FEED, observations);
    }

    function test_pitfall_16__crashOfAQuorum__isStoppedInTheContract() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE / 1000, START + 1);
        vm.expectPartialRevert(IPriceOracle.Jump.selector, PRICE_ORACLE);
        ORACLE.push(FEED, observations);
        observations = agree(4, PRICE / 1000, START + 1);
        vm.expectPartialRevert(IPriceOracle.Breaker.selector, PRICE_ORACLE);
        ORACLE.push(FEED, observations);
    }

    /// @dev One second into the future is refused, the present is not.
    function test_pitfall_24__timeFromTheFuture__isRefused() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START + 1);
        observations[2] = sign(keys[2], FEED, PRICE, START + 2);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.FromTheFuture.selector, uint64(START + 2)));
        ORACLE.push(FEED, observations);
        vm.warp(START + 2);
        ORACLE.push(FEED, observations);
    }

    /// @dev The time of a price is later than the last one's; the same second is not.
    function test_pitfall_24__timeNotLater__isRefused() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE + 1e6, START);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.NotNewer.selector, uint64(START), uint64(START)));
        ORACLE.push(FEED, observations);
        observations = agree(3, PRICE, START - 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.NotNewer.selector, uint64(START - 1), uint64(START)));
        ORACLE.push(FEED, observations);
    }

    /// @dev A comparison turned around called old prices fresh and new ones stale.
    function testFuzz_pitfall_24__freshness__endsOnce(uint256 age) public {
        age = bound(age, 0, 1 days);
        vm.warp(START + age);
        assertEq(ORACLE.isFresh(FEED, PriceUse.INCREASE), age <= 15);
        assertEq(ORACLE.isFresh(FEED, PriceUse.LIQUIDATE), age <= 30);
        assertEq(ORACLE.isFresh(FEED, PriceUse.REDUCE), age <= 120);
    }

    function test_attack__replayedObservations__areRefused() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START + 1);
        ORACLE.push(FEED, observations);
        vm.warp(START + 60);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.NotNewer.selector, uint64(START + 1), uint64(START + 1)));
        ORACLE.push(FEED, observations);
    }

    /// @dev With a fresh observation of one signer, old ones of the others do not become fresh.
    function test_attack__oldObservationsBesideAFreshOne__keepTheirAge() public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START + 1);
        vm.warp(START + 100);
        observations[0] = sign(keys[0], FEED, PRICE, START + 100);
        ORACLE.push(FEED, observations);
        (, uint64 time) = ORACLE.latest(FEED);
        assertEq(time, START + 1);
        assertFalse(ORACLE.isFresh(FEED, PriceUse.INCREASE));
    }

    /// @dev One signer lies as it likes: the price stays between those of the others.
    function testFuzz_attack__oneLyingSigner__movesNothing(uint256 lie, uint256 liar, uint256 a, uint256 b) public {
        (a, b) = (PRICE * bound(a, 95, 105) / 100, PRICE * bound(b, 95, 105) / 100);
        liar = bound(liar, 0, 2);
        uint256[3] memory prices = [a, b, b];
        prices[2] = prices[liar];
        prices[liar] = bound(lie, 1e6, 1e27);
        IPriceOracle.Observation[] memory observations = new IPriceOracle.Observation[](3);
        for (uint256 i = 0; i < 3; ++i) {
            observations[i] = sign(keys[i], FEED, prices[i], START + 1);
        }
        ORACLE.push(FEED, observations);
        (uint256 price,) = ORACLE.latest(FEED);
        assertTrue(price >= (a < b ? a : b) && price <= (a < b ? b : a));
    }

    /// @dev Who brings a price does not matter.
    function testFuzz_push__byAnybody__isAccepted(address who) public {
        IPriceOracle.Observation[] memory observations = agree(3, PRICE, START + 1);
        vm.prank(who);
        ORACLE.push(FEED, observations);
    }
}
