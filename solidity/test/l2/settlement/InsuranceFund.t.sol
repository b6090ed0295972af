// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInsuranceFund} from "../../../src/interfaces/settlement/IInsuranceFund.sol";
import {CLEARING, LIQUIDATOR, MARKETS, RISK_GOVERNOR} from "../../../src/libraries/Constants.sol";
import {BAD_DEBT, CashReason, INSURANCE, MarketId, SubaccountId} from "../../../src/types/Settlement.sol";
import {RiskWorld} from "../../helpers/RiskWorld.sol";

/// @notice Tranches: what they take, pay and never owe.
contract InsuranceFundTest is RiskWorld {
    /* IN */

    function test_donate_goesToOneTranche() public {
        donate(BTC, 30e18);
        donate(GLOBAL, 70e18);
        assertEq(FUND.trancheWad(BTC), 30e18);
        assertEq(FUND.trancheWad(ETH), 0);
        assertEq(FUND.trancheWad(GLOBAL), 70e18);
        assertEq(cashOf(INSURANCE), 100e18);
    }

    function test_donate_fromAnother_reverts() public {
        vm.prank(alice);
        vm.expectRevert(IInsuranceFund.NotOwner.selector);
        FUND.donate(BTC, other, 1);
        vm.prank(alice);
        vm.expectRevert(IInsuranceFund.NotOwner.selector);
        FUND.donate(BTC, INSURANCE, 1);
    }

    function test_donate_moreThanMayLeave_reverts() public {
        enter(10e18, 200e18);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.NotWithdrawable.selector, 85e18));
        FUND.donate(BTC, trader, 85e18 + 1);
        vm.prank(alice);
        FUND.donate(BTC, trader, 85e18);
    }

    function test_receivePenalty_goesToTheMarket() public {
        asLiquidator(abi.encodeCall(IInsuranceFund.receivePenalty, (BTC, other, 5e18)));
        assertEq(FUND.trancheWad(BTC), 5e18);
        assertEq(cashOf(INSURANCE), 5e18);
        asLiquidator(abi.encodeCall(IInsuranceFund.receivePenalty, (BTC, other, 0)));
        assertEq(FUND.trancheWad(BTC), 5e18);
    }

    /* OUT */

    function test_cover_marketFirst_thenHalfOfTheGlobalTranche() public {
        donate(BTC, 30e18);
        donate(GLOBAL, 70e18);
        assertEq(cover(BTC, 20e18), 20e18);
        assertEq(FUND.trancheWad(BTC), 10e18);
        assertEq(FUND.trancheWad(GLOBAL), 70e18);
        assertEq(cover(BTC, 100e18), 45e18);
        assertEq(FUND.trancheWad(BTC), 0);
        assertEq(FUND.trancheWad(GLOBAL), 35e18);
        assertEq(cover(BTC, 1e18), 0);
    }

    function test_pitfall_02__hundredBankruptcies__takeHalfOfTheGlobalTrancheADay() public {
        donate(GLOBAL, 100e18);
        uint256 paid;
        for (uint256 i; i < 100; ++i) {
            paid += cover(BTC, 10e18);
        }
        assertEq(paid, 50e18);
        skip(1 days);
        assertEq(cover(BTC, 100e18), 25e18);
    }

    function test_cover_withoutAMarket_isTheGlobalTrancheAlone() public {
        donate(BTC, 30e18);
        donate(GLOBAL, 70e18);
        assertEq(cover(GLOBAL, 100e18), 35e18);
        assertEq(FUND.trancheWad(BTC), 30e18);
    }

    function testFuzz_cover_neverPaysMoreThanThereIs(uint256 own, uint256 global, uint256 loss) public {
        own = bound(own, 0, 1e24);
        global = bound(global, 0, 1e24);
        loss = bound(loss, 0, 1e27);
        donate(BTC, own);
        donate(GLOBAL, global);
        uint256 paid = cover(BTC, loss);
        assertLe(paid, loss);
        assertLe(paid, own + global / 2);
        assertTrue(paid == loss || paid == own + global / 2);
        assertEq(cashOf(INSURANCE), tranches());
        assertEq(worthOfAll(), 0);
    }

    /* POSITIONS OF ITS OWN */

    function test_reconcile_gain_isTheMarkets() public {
        giveTheFund(10e18);
        price(103e18);
        settleTheFund();
        assertEq(FUND.trancheWad(BTC), 30e18);
        assertEq(cashOf(INSURANCE), 30e18);
    }

    function testFuzz_reconcile_loss_marketThenGlobalThenBadDebt(uint256 own, uint256 global, uint256 drop) public {
        own = bound(own, 0, 200e18);
        global = bound(global, 0, 200e18);
        drop = bound(drop, 0, 50);
        donate(BTC, own);
        donate(GLOBAL, global);
        giveTheFund(10e18);
        price(PRICE - int256(drop) * 1e18);
        settleTheFund();
        uint256 loss = 10e18 * drop;
        assertEq(FUND.trancheWad(BTC), own > loss ? own - loss : 0);
        uint256 rest = loss > own ? loss - own : 0;
        assertEq(FUND.trancheWad(GLOBAL), global > rest ? global - rest : 0);
        assertEq(cashOf(BAD_DEBT), -int256(rest > global ? rest - global : 0));
        assertEq(cashOf(INSURANCE), tranches());
        assertEq(worthOfAll(), 0);
    }

    /* CAPS */

    function test_backstop_isWhatIsAllowedAndBacked() public {
        assertEq(FUND.backstopNotionalWad(BTC), 0);
        allowBackstop(BTC, 500e18);
        assertEq(FUND.backstopNotionalWad(BTC), 0);
        donate(BTC, 10e18);
        donate(GLOBAL, 20e18);
        assertEq(FUND.backstopNotionalWad(BTC), 300e18);
        donate(GLOBAL, 70e18);
        assertEq(FUND.backstopNotionalWad(BTC), 500e18);
    }

    /* ACCESS */

    function testFuzz_access_byAnybodyElse_reverts(address who) public {
        vm.assume(who != LIQUIDATOR && who != RISK_GOVERNOR && who != MARKETS);
        vm.startPrank(who);
        bytes memory refusal = abi.encodeWithSelector(IInsuranceFund.NotModule.selector, who);
        vm.expectRevert(refusal);
        FUND.receivePenalty(BTC, other, 1);
        vm.expectRevert(refusal);
        FUND.cover(BTC, other, 1);
        vm.expectRevert(refusal);
        FUND.reconcile(BTC);
        vm.expectRevert(IInsuranceFund.NotGovernor.selector);
        FUND.setBackstop(BTC, 1);
        vm.stopPrank();
    }

    /* PITFALLS */

    /// @dev There are no shares and no rate to move: a gift is a gift, and counts from the ledger's moves, not a balance.
    function test_pitfall_28__donation__movesNobodysClaim() public {
        enter(10e18, 200e18);
        int256 before = equityOf(trader);
        donate(BTC, 1000e18);
        assertEq(equityOf(trader), before);
        vm.deal(address(FUND), 1 ether);
        assertEq(FUND.trancheWad(BTC), 1000e18);
        assertEq(cashOf(INSURANCE), 1000e18);
    }

    /* PRIVATE */

    function asLiquidator(bytes memory data) private returns (bytes memory answer) {
        vm.startPrank(LIQUIDATOR);
        BOOKS.enter();
        bool ok;
        (ok, answer) = address(FUND).call(data);
        assertTrue(ok);
        BOOKS.leave();
        vm.stopPrank();
    }

    function cover(MarketId market, uint256 lossWad) private returns (uint256) {
        return abi.decode(asLiquidator(abi.encodeCall(IInsuranceFund.cover, (market, trader, lossWad))), (uint256));
    }

    function giveTheFund(int256 sizeWad) private {
        settleAs(CLEARING, tradeOf(INSURANCE, other, BTC, sizeWad, PRICE, PRICE, 0));
    }

    function settleTheFund() private {
        settleAs(LIQUIDATOR, only(change(INSURANCE, 0, BTC, 0, BOARD.state(BTC).settleIndexWad)));
        asLiquidator(abi.encodeCall(IInsuranceFund.reconcile, (BTC)));
    }
}
