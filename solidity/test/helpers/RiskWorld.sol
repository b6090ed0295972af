// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInsuranceFund} from "../../src/interfaces/settlement/IInsuranceFund.sol";
import {ILiquidator} from "../../src/interfaces/settlement/ILiquidator.sol";
import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {IRiskManager} from "../../src/interfaces/settlement/IRiskManager.sol";
import {InsuranceFund} from "../../src/l2/settlement/InsuranceFund.sol";
import {Liquidator} from "../../src/l2/settlement/Liquidator.sol";
import {StandardMargin} from "../../src/l2/settlement/StandardMargin.sol";
import {
    CLEARING,
    COLLATERAL,
    INSURANCE_FUND,
    LIQUIDATOR,
    MARKETS,
    PRICE_ORACLE,
    RISK_GOVERNOR,
    RISK_MANAGER
} from "../../src/libraries/Constants.sol";
import {
    BAD_DEBT,
    CashReason,
    FEES,
    FeedId,
    INSURANCE,
    MarketId,
    MarketKind,
    PENDING,
    SubaccountId,
    VAULT
} from "../../src/types/Settlement.sol";
import {FakeBoard} from "./FakeBoard.sol";
import {FakeClearing} from "./FakeClearing.sol";
import {FakeCollateral} from "./FakeCollateral.sol";
import {FakePriceOracle} from "./FakePriceOracle.sol";
import {LedgerWorld} from "./LedgerWorld.sol";

/// @notice Ledger, margin, liquidation and insurance as genesis places them; markets, ether, prices and the maker of a
/// liquidation as tests want them. Initial margin 5 %, maintenance 3 %, no growth with size or open interest.
abstract contract RiskWorld is LedgerWorld {
    FakeBoard internal constant BOARD = FakeBoard(MARKETS);
    FakeCollateral internal constant SAFE = FakeCollateral(COLLATERAL);
    FakeClearing internal constant PIT = FakeClearing(CLEARING);
    FakePriceOracle internal constant PRICES = FakePriceOracle(PRICE_ORACLE);
    IRiskManager internal constant RISK = IRiskManager(RISK_MANAGER);
    ILiquidator internal constant KEEPER = ILiquidator(LIQUIDATOR);
    IInsuranceFund internal constant FUND = IInsuranceFund(INSURANCE_FUND);
    MarketId internal constant GLOBAL = MarketId.wrap(0);

    uint64 internal constant NOW = 1_000_000;
    int256 internal constant PRICE = 100e18;

    SubaccountId internal trader;
    SubaccountId internal other;
    SubaccountId internal keeper;
    address internal hunter = makeAddr("hunter");

    function setUp() public virtual override {
        super.setUp();
        vm.warp(NOW);
        vm.etch(MARKETS, address(new FakeBoard()).code);
        vm.etch(COLLATERAL, address(new FakeCollateral()).code);
        vm.etch(CLEARING, address(new FakeClearing()).code);
        vm.etch(PRICE_ORACLE, address(new FakePriceOracle()).code);
        vm.etch(RISK_MANAGER, address(new StandardMargin()).code);
        vm.etch(LIQUIDATOR, address(new Liquidator()).code);
        vm.etch(INSURANCE_FUND, address(new InsuranceFund()).code);
        listMarket(BTC);
        listMarket(ETH);
        trader = openFor(alice);
        other = openFor(bob);
        keeper = openFor(hunter);
        fund(other, 100_000_000e18);
        PIT.setMaker(other, PRICE, type(uint128).max);
    }

    /* MARKETS */

    function listMarket(MarketId market) internal {
        IMarkets.Terms memory terms;
        terms.feed = FeedId.wrap(MarketId.unwrap(market));
        terms.kind = MarketKind.PERPETUAL;
        (terms.tickWad, terms.lotWad) = (1e16, 1e15);
        BOARD.setUpMarket(market, terms, plainLimits());
        BOARD.setPrice(market, PRICE);
    }

    function plainLimits() internal pure returns (IMarkets.Limits memory limits) {
        limits.initialPips = 50_000;
        limits.maintenancePips = 600_000;
        limits.volatilityPips = 1_000_000;
        limits.depthCapWad = 1e24;
        limits.depthFloorWad = 1e22;
        limits.minNotionalWad = 10e18;
    }

    /// @dev A new price in both markets, so that none is older than the other.
    function price(int256 priceWad) internal {
        BOARD.setPrice(BTC, priceWad);
    }

    /* TRADERS */

    /// @dev The trader gets a position at 100 from the other side and has `cashWad` beside it.
    function enter(int256 sizeWad, int256 cashWad) internal {
        fund(trader, cashWad);
        enterMore(BTC, sizeWad);
    }

    function enterMore(MarketId market, int256 sizeWad) internal {
        int256 indexWad = BOARD.state(market).settleIndexWad;
        settleAs(CLEARING, tradeOf(trader, other, market, sizeWad, indexWad, indexWad, 0));
    }

    /* PEOPLE */

    function liquidate(MarketId market) internal returns (int256) {
        vm.prank(hunter);
        return KEEPER.liquidate(trader, market, keeper, "");
    }

    function donate(MarketId market, uint256 amountWad) internal {
        vm.prank(bob);
        FUND.donate(market, other, amountWad);
    }

    function allowBackstop(MarketId market, uint256 notionalWad) internal {
        vm.prank(RISK_GOVERNOR);
        FUND.setBackstop(market, notionalWad);
    }

    function withdrawalPends(SubaccountId id, int256 amountWad) internal {
        moveAs(COLLATERAL, id, PENDING, amountWad, CashReason.WITHDRAWAL_REQUESTED);
        SAFE.setPending(id, uint256(amountWad));
    }

    /* WHAT IS */

    function equityOf(SubaccountId id) internal view returns (int256) {
        return RISK.margin(id).equityWad;
    }

    function healthOf(SubaccountId id) internal view returns (int256 equityWad, int256 maintenanceWad) {
        IRiskManager.Margin memory margin = RISK.margin(id);
        return (margin.equityWad, margin.maintenanceWad);
    }

    /// @dev Cash and unsettled profit of everybody, pots included: always zero.
    function worthOfAll() internal view returns (int256 sum) {
        SubaccountId[8] memory ids = [VAULT, FEES, INSURANCE, PENDING, BAD_DEBT, trader, other, keeper];
        for (uint256 i; i < ids.length; ++i) {
            sum += equityOf(ids[i]);
        }
    }

    function tranches() internal view returns (int256) {
        return int256(FUND.trancheWad(BTC) + FUND.trancheWad(ETH) + FUND.trancheWad(GLOBAL));
    }
}
