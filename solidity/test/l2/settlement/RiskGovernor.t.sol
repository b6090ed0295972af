// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {IInsuranceFund} from "../../../src/interfaces/settlement/IInsuranceFund.sol";
import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {IRiskGovernor} from "../../../src/interfaces/settlement/IRiskGovernor.sol";
import {InsuranceFund} from "../../../src/l2/settlement/InsuranceFund.sol";
import {RiskGovernor} from "../../../src/l2/settlement/RiskGovernor.sol";
import {
    CLEARING,
    COLLATERAL,
    INSURANCE_FUND,
    LEDGER,
    LIQUIDATOR,
    MARKETS,
    MESSAGE_PASSER,
    PRICE_ORACLE,
    RISK_GOVERNOR
} from "../../../src/libraries/Constants.sol";
import {MarketId, MarketStatus} from "../../../src/types/Settlement.sol";
import {FakeBoard} from "../../helpers/FakeBoard.sol";

/// @notice The timelock, the guardian, and what neither can do. The insurance fund stands for all modules with bounds.
contract RiskGovernorTest is Test {
    IRiskGovernor internal constant GOVERNOR = IRiskGovernor(RISK_GOVERNOR);
    FakeBoard internal constant BOARD = FakeBoard(MARKETS);
    IInsuranceFund internal constant FUND = IInsuranceFund(INSURANCE_FUND);
    MarketId internal constant BTC = MarketId.wrap(1);
    MarketId internal constant ETH = MarketId.wrap(2);
    uint256 internal constant MAX_BACKSTOP = 1e27;

    address internal owner = makeAddr("owner");
    address internal guardian = makeAddr("guardian");
    address internal stranger = makeAddr("stranger");

    function setUp() public {
        vm.warp(1_000_000);
        vm.etch(RISK_GOVERNOR, address(new RiskGovernor()).code);
        vm.etch(MARKETS, address(new FakeBoard()).code);
        vm.etch(INSURANCE_FUND, address(new InsuranceFund()).code);
        vm.store(RISK_GOVERNOR, 0, bytes32(uint256(uint160(owner))));
        vm.store(RISK_GOVERNOR, bytes32(uint256(1)), bytes32(uint256(uint160(guardian))));
        BOARD.setStatus(BTC, MarketStatus.OPEN);
        BOARD.setStatus(ETH, MarketStatus.HALTED);
        // The fund is as rich as a test wants, so that caps show.
        vm.store(INSURANCE_FUND, keccak256(abi.encode(0, 0)), bytes32(uint256(1e40)));
    }

    function test_storage_isWhereGenesisWrites() public view {
        assertEq(GOVERNOR.owner(), owner);
        assertEq(GOVERNOR.guardian(), guardian);
        assertFalse(GOVERNOR.isSealed());
        assertEq(FUND.trancheWad(MarketId.wrap(0)), 1e40);
    }

    /* SET-UP */

    function test_setUp_beforeTheSeal_takesEffectAtOnce() public {
        vm.prank(owner);
        GOVERNOR.setUp(INSURANCE_FUND, backstop(5e18));
        assertEq(FUND.backstopNotionalWad(BTC), 5e18);
    }

    function test_setUp_afterTheSeal_reverts() public {
        sealIt();
        vm.prank(owner);
        vm.expectRevert(IRiskGovernor.AlreadySealed.selector);
        GOVERNOR.setUp(INSURANCE_FUND, backstop(5e18));
    }

    function test_seal_isOnceAndForAll() public {
        sealIt();
        vm.prank(owner);
        vm.expectRevert(IRiskGovernor.AlreadySealed.selector);
        GOVERNOR.seal();
    }

    function testFuzz_owned_byAnybodyElse_reverts(address who) public {
        vm.assume(who != owner);
        vm.startPrank(who);
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.setUp(INSURANCE_FUND, backstop(1));
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.seal();
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.schedule(INSURANCE_FUND, backstop(1), 0);
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.execute(INSURANCE_FUND, backstop(1), 0);
        vm.stopPrank();
    }

    function test_offices_byTheOwnerDirectly_revert() public {
        vm.startPrank(owner);
        vm.expectRevert(IRiskGovernor.NotItself.selector);
        GOVERNOR.setGuardian(stranger);
        vm.expectRevert(IRiskGovernor.NotItself.selector);
        GOVERNOR.transferOwnership(stranger);
        vm.stopPrank();
    }

    /* BOUNDS */

    function testFuzz_attack__owner__cannotLeaveTheBoundsOfAModule(uint256 notional) public {
        notional = bound(notional, MAX_BACKSTOP + 1, type(uint256).max);
        bytes memory refusal =
            abi.encodeWithSelector(IInsuranceFund.OutOfBounds.selector, bytes32("backstopNotionalWad"));
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.CallFailed.selector, refusal));
        GOVERNOR.setUp(INSURANCE_FUND, backstop(notional));
        GOVERNOR.seal();
        GOVERNOR.schedule(INSURANCE_FUND, backstop(notional), 0);
        skip(24 hours);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.CallFailed.selector, refusal));
        GOVERNOR.execute(INSURANCE_FUND, backstop(notional), 0);
        vm.stopPrank();
    }

    function testFuzz_attack__owner__reachesTheModulesWithParametersAlone(address target) public {
        vm.assume(
            target != MARKETS && target != PRICE_ORACLE && target != COLLATERAL && target != INSURANCE_FUND
                && target != RISK_GOVERNOR
        );
        assertNotATarget(target);
    }

    function test_attack__owner__cannotCallTheMoney() public {
        assertNotATarget(LEDGER);
        assertNotATarget(CLEARING);
        assertNotATarget(LIQUIDATOR);
        assertNotATarget(MESSAGE_PASSER);
    }

    /* TIMELOCK */

    function test_schedule_delays() public view {
        assertEq(GOVERNOR.delayS(PRICE_ORACLE), 48 hours);
        assertEq(GOVERNOR.delayS(COLLATERAL), 48 hours);
        assertEq(GOVERNOR.delayS(RISK_GOVERNOR), 48 hours);
        assertEq(GOVERNOR.delayS(MARKETS), 24 hours);
        assertEq(GOVERNOR.delayS(INSURANCE_FUND), 24 hours);
    }

    function test_execute_afterTheDelay_callsOnce() public {
        sealIt();
        vm.startPrank(owner);
        bytes32 id = GOVERNOR.schedule(INSURANCE_FUND, backstop(5e18), "a");
        uint64 ready = uint64(block.timestamp + 24 hours);
        assertEq(GOVERNOR.readyAt(id), ready);
        skip(24 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotReady.selector, ready));
        GOVERNOR.execute(INSURANCE_FUND, backstop(5e18), "a");
        skip(1);
        GOVERNOR.execute(INSURANCE_FUND, backstop(5e18), "a");
        assertEq(FUND.backstopNotionalWad(BTC), 5e18);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotScheduled.selector, id));
        GOVERNOR.execute(INSURANCE_FUND, backstop(5e18), "a");
        vm.stopPrank();
    }

    function testFuzz_attack__timelock__cannotBeBypassed(uint64 wait, bytes32 salt, uint256 notional) public {
        sealIt();
        wait = uint64(bound(wait, 0, 24 hours - 1));
        notional = bound(notional, 1, MAX_BACKSTOP);
        vm.startPrank(owner);
        GOVERNOR.schedule(INSURANCE_FUND, backstop(notional), salt);
        skip(wait);
        // Neither sooner, nor another call under the delay of the first.
        vm.expectRevert();
        GOVERNOR.execute(INSURANCE_FUND, backstop(notional), salt);
        skip(24 hours);
        vm.expectRevert();
        GOVERNOR.execute(INSURANCE_FUND, backstop(notional - 1), salt);
        vm.expectRevert();
        GOVERNOR.execute(MARKETS, backstop(notional), salt);
        vm.expectRevert();
        GOVERNOR.execute(INSURANCE_FUND, backstop(notional), ~salt);
        vm.stopPrank();
        vm.prank(owner);
        vm.expectRevert(IInsuranceFund.NotGovernor.selector);
        FUND.setBackstop(BTC, notional);
    }

    function test_pitfall_07__callsAgreedToLongAgo__areDead() public {
        sealIt();
        vm.startPrank(owner);
        GOVERNOR.schedule(INSURANCE_FUND, backstop(5e18), 0);
        skip(24 hours + 14 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.Expired.selector, uint64(block.timestamp - 1)));
        GOVERNOR.execute(INSURANCE_FUND, backstop(5e18), 0);
        GOVERNOR.schedule(INSURANCE_FUND, backstop(5e18), 0);
        skip(24 hours);
        GOVERNOR.execute(INSURANCE_FUND, backstop(5e18), 0);
        vm.stopPrank();
    }

    function test_pitfall_07__newCollateralAndFeeds__waitTwoDays() public {
        sealIt();
        bytes memory data = abi.encodeWithSignature("setSettings()");
        vm.startPrank(owner);
        GOVERNOR.schedule(COLLATERAL, data, 0);
        GOVERNOR.schedule(PRICE_ORACLE, data, 0);
        skip(48 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotReady.selector, uint64(block.timestamp + 1)));
        GOVERNOR.execute(COLLATERAL, data, 0);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotReady.selector, uint64(block.timestamp + 1)));
        GOVERNOR.execute(PRICE_ORACLE, data, 0);
        vm.stopPrank();
        // Time enough for the guardian.
        vm.prank(guardian);
        GOVERNOR.cancel(COLLATERAL, data, 0);
        skip(1);
        vm.prank(owner);
        vm.expectRevert();
        GOVERNOR.execute(COLLATERAL, data, 0);
    }

    function test_schedule_twice_reverts() public {
        vm.startPrank(owner);
        bytes32 id = GOVERNOR.schedule(INSURANCE_FUND, backstop(1), 0);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.AlreadyScheduled.selector, id));
        GOVERNOR.schedule(INSURANCE_FUND, backstop(1), 0);
        vm.stopPrank();
    }

    function test_cancel_byTheOwnerOrTheGuardian() public {
        vm.prank(owner);
        bytes32 id = GOVERNOR.schedule(INSURANCE_FUND, backstop(1), 0);
        vm.prank(stranger);
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.cancel(INSURANCE_FUND, backstop(1), 0);
        vm.prank(owner);
        GOVERNOR.cancel(INSURANCE_FUND, backstop(1), 0);
        assertEq(GOVERNOR.readyAt(id), 0);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotScheduled.selector, id));
        GOVERNOR.cancel(INSURANCE_FUND, backstop(1), 0);
    }

    function test_attack__guardian__cannotKeepItsOffice() public {
        sealIt();
        bytes memory data = abi.encodeCall(IRiskGovernor.setGuardian, (stranger));
        vm.prank(owner);
        GOVERNOR.schedule(RISK_GOVERNOR, data, 0);
        vm.prank(guardian);
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.cancel(RISK_GOVERNOR, data, 0);
        skip(48 hours);
        vm.prank(owner);
        GOVERNOR.execute(RISK_GOVERNOR, data, 0);
        assertEq(GOVERNOR.guardian(), stranger);
    }

    function test_transferOwnership_throughTheTimelock() public {
        bytes memory data = abi.encodeCall(IRiskGovernor.transferOwnership, (stranger));
        vm.prank(owner);
        GOVERNOR.setUp(RISK_GOVERNOR, data);
        assertEq(GOVERNOR.owner(), stranger);
        vm.prank(owner);
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.seal();
    }

    /* GUARDIAN */

    function test_tighten_expiresAndCoolsDown() public {
        vm.startPrank(guardian);
        GOVERNOR.tighten(BTC);
        assertEq(uint256(BOARD.state(BTC).status), uint256(MarketStatus.REDUCE_ONLY));
        assertTrue(GOVERNOR.isTightened(BTC));
        vm.stopPrank();

        uint64 until = uint64(block.timestamp + 24 hours);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.StillTightened.selector, until));
        GOVERNOR.loosen(BTC);
        vm.warp(until);
        vm.prank(stranger);
        GOVERNOR.loosen(BTC);
        assertEq(uint256(BOARD.state(BTC).status), uint256(MarketStatus.OPEN));
        assertFalse(GOVERNOR.isTightened(BTC));

        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.InCooldown.selector, until + 24 hours));
        GOVERNOR.tighten(BTC);
        vm.warp(until + 24 hours);
        vm.prank(guardian);
        GOVERNOR.tighten(BTC);
    }

    function test_attack__guardian__canOnlyTighten() public {
        // A halted market is not made reduce-only by the guardian.
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotOpen.selector, ETH));
        GOVERNOR.tighten(ETH);
        // Nor one that governance made reduce-only opened by it.
        BOARD.setStatus(BTC, MarketStatus.REDUCE_ONLY);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotOpen.selector, BTC));
        GOVERNOR.tighten(BTC);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotTightened.selector, BTC));
        GOVERNOR.loosen(BTC);
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.setUp(MARKETS, abi.encodeCall(IMarkets.setStatus, (BTC, MarketStatus.OPEN)));
        vm.expectRevert(IRiskGovernor.NotOwner.selector);
        GOVERNOR.schedule(MARKETS, abi.encodeCall(IMarkets.setStatus, (BTC, MarketStatus.OPEN)), 0);
        vm.stopPrank();
    }

    function testFuzz_tighten_byAnybodyElse_reverts(address who) public {
        vm.assume(who != guardian);
        vm.prank(who);
        vm.expectRevert(IRiskGovernor.NotGuardian.selector);
        GOVERNOR.tighten(BTC);
    }

    function test_loosen_byTheGuardian_atAnyTime() public {
        vm.startPrank(guardian);
        GOVERNOR.tighten(BTC);
        GOVERNOR.loosen(BTC);
        assertEq(uint256(BOARD.state(BTC).status), uint256(MarketStatus.OPEN));
        // The cool-down counts from the end it would have had.
        vm.expectRevert();
        GOVERNOR.tighten(BTC);
        vm.stopPrank();
    }

    function test_loosen_haltedSince_staysHalted() public {
        vm.prank(guardian);
        GOVERNOR.tighten(BTC);
        BOARD.setStatus(BTC, MarketStatus.HALTED);
        skip(24 hours);
        GOVERNOR.loosen(BTC);
        assertEq(uint256(BOARD.state(BTC).status), uint256(MarketStatus.HALTED));
    }

    function test_setStatus_ofGovernance_endsTheGuardiansWord() public {
        vm.prank(guardian);
        GOVERNOR.tighten(BTC);
        vm.prank(owner);
        GOVERNOR.setUp(MARKETS, abi.encodeCall(IMarkets.setStatus, (BTC, MarketStatus.REDUCE_ONLY)));
        assertFalse(GOVERNOR.isTightened(BTC));
        skip(24 hours);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotTightened.selector, BTC));
        GOVERNOR.loosen(BTC);
    }

    /* PRIVATE */

    function sealIt() private {
        vm.prank(owner);
        GOVERNOR.seal();
    }

    function backstop(uint256 notionalWad) private pure returns (bytes memory) {
        return abi.encodeCall(IInsuranceFund.setBackstop, (BTC, notionalWad));
    }

    function assertNotATarget(address target) private {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotATarget.selector, target));
        GOVERNOR.setUp(target, "");
        vm.expectRevert(abi.encodeWithSelector(IRiskGovernor.NotATarget.selector, target));
        GOVERNOR.schedule(target, "", 0);
        vm.stopPrank();
    }
}
