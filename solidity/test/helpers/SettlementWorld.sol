// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../src/interfaces/settlement/IClearing.sol";
import {ICollateral} from "../../src/interfaces/settlement/ICollateral.sol";
import {IInsuranceFund} from "../../src/interfaces/settlement/IInsuranceFund.sol";
import {ILiquidator} from "../../src/interfaces/settlement/ILiquidator.sol";
import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {IRiskGovernor} from "../../src/interfaces/settlement/IRiskGovernor.sol";
import {IRiskManager} from "../../src/interfaces/settlement/IRiskManager.sol";
import {MessagePasser} from "../../src/l2/MessagePasser.sol";
import {Clearing} from "../../src/l2/settlement/Clearing.sol";
import {Collateral} from "../../src/l2/settlement/Collateral.sol";
import {InsuranceFund} from "../../src/l2/settlement/InsuranceFund.sol";
import {Liquidator} from "../../src/l2/settlement/Liquidator.sol";
import {RiskGovernor} from "../../src/l2/settlement/RiskGovernor.sol";
import {StandardMargin} from "../../src/l2/settlement/StandardMargin.sol";
import {
    ALIAS_OFFSET,
    CLEARING,
    COLLATERAL,
    INSURANCE_FUND,
    LIQUIDATOR,
    MESSAGE_PASSER,
    RISK_GOVERNOR,
    RISK_MANAGER
} from "../../src/libraries/Constants.sol";
import {BAD_DEBT, FEES, INSURANCE, MarketId, PENDING, SubaccountId, VAULT} from "../../src/types/Settlement.sol";
import {BatchBuilder, Ticket} from "./BatchBuilder.sol";
import {LedgerWorld} from "./LedgerWorld.sol";
import {PriceWorld} from "./PriceWorld.sol";

/// @notice All modules as genesis places them, set up by governance and sealed; a market at 100 and traders with cash.
/// The first two traders are makers.
abstract contract SettlementWorld is LedgerWorld, PriceWorld, BatchBuilder {
    IClearing internal constant CLEAR = IClearing(CLEARING);
    ICollateral internal constant SAFE = ICollateral(COLLATERAL);
    IRiskManager internal constant RISK = IRiskManager(RISK_MANAGER);
    ILiquidator internal constant KEEPER = ILiquidator(LIQUIDATOR);
    IInsuranceFund internal constant FUND = IInsuranceFund(INSURANCE_FUND);
    IRiskGovernor internal constant GOVERNOR = IRiskGovernor(RISK_GOVERNOR);
    MarketId internal constant GLOBAL = MarketId.wrap(0);
    SubaccountId internal constant NOBODY = SubaccountId.wrap(0);

    uint256 internal constant N_MAKERS = 2;
    uint256 internal constant TRADER = 2;
    uint256 internal constant HUNTER = 3;
    uint256 internal constant UNIT = 1e12;
    uint16 internal constant NO_TAKER = type(uint16).max;

    address internal governance = makeAddr("governance");
    address internal guardian = makeAddr("guardian");
    address internal gatewayL1 = makeAddr("gateway");
    uint256[] internal traderKeys;
    uint64 internal nonce;

    function setUp() public virtual override {
        super.setUp();
        setUpPrices();
        vm.etch(CLEARING, address(new Clearing()).code);
        vm.etch(COLLATERAL, address(new Collateral()).code);
        vm.etch(RISK_MANAGER, address(new StandardMargin()).code);
        vm.etch(LIQUIDATOR, address(new Liquidator()).code);
        vm.etch(INSURANCE_FUND, address(new InsuranceFund()).code);
        vm.etch(RISK_GOVERNOR, address(new RiskGovernor()).code);
        vm.etch(MESSAGE_PASSER, address(new MessagePasser()).code);
        vm.store(RISK_GOVERNOR, 0, bytes32(uint256(uint160(governance))));
        vm.store(RISK_GOVERNOR, bytes32(uint256(1)), bytes32(uint256(uint160(guardian))));
        vm.store(COLLATERAL, 0, bytes32(uint256(uint160(gatewayL1))));
        vm.store(COLLATERAL, bytes32(uint256(1)), bytes32(UNIT));
        push(100e18);
        setUpBy(address(MARKETS_), abi.encodeCall(IMarkets.list, (steps(), calmLimits())));
        setUpBy(COLLATERAL, abi.encodeCall(ICollateral.setSettings, (safeSettings())));
        setUpBy(INSURANCE_FUND, abi.encodeCall(IInsuranceFund.setBackstop, (BTC, 1_000_000e18)));
        vm.prank(governance);
        GOVERNOR.seal();
        for (uint256 i; i < N_MAKERS; ++i) {
            newTrader(1_000_000e18);
        }
        newTrader(40e18);
        newTrader(0);
        MARKETS_.refresh(BTC);
    }

    /* SETTINGS */

    function setUpBy(address target, bytes memory data) internal {
        vm.prank(governance);
        GOVERNOR.setUp(target, data);
    }

    function steps() internal pure returns (IMarkets.Terms memory terms) {
        terms = perpetual();
        (terms.tickWad, terms.lotWad) = (uint128(TICK), uint128(LOT));
    }

    /// @dev Initial margin 5 %, maintenance 3 %, no growth, no fees.
    function calmLimits() internal pure returns (IMarkets.Limits memory limits) {
        limits = defaultLimits();
        (limits.sizeMarginPips, limits.takerFeePips, limits.makerFeePips) = (0, 0, 0);
        limits.minNotionalWad = 10e18;
    }

    function safeSettings() internal pure returns (ICollateral.Settings memory settings) {
        settings.etherFeed = FEED;
        settings.etherInitialHaircutPips = 200_000;
        settings.etherMaintenanceHaircutPips = 100_000;
        settings.etherCapWei = 100 ether;
        (settings.hourlyFloorWad, settings.hourlyPips) = (1_000_000e18, 100_000);
        (settings.dailyFloorWad, settings.dailyPips) = (10_000_000e18, 500_000);
    }

    /* TRADERS */

    function newTrader(int256 cashWad) internal returns (SubaccountId id) {
        uint256 key = uint256(keccak256(abi.encode("trader", traderKeys.length)));
        id = BOOKS.nextSubaccount();
        traderKeys.push(key);
        vm.prank(address(uint160(gatewayL1) + uint160(ALIAS_OFFSET)));
        SAFE.creditToken(vm.addr(key), NOBODY, uint256(cashWad) / UNIT);
    }

    function ownerOf(uint256 number) internal view returns (address) {
        return vm.addr(traderKeys[number]);
    }

    function order(uint256 number, bool isBuy, uint256 sizeWad, uint256 priceWad) internal returns (Ticket memory) {
        return Ticket({
            signer: traderKeys[number],
            subaccount: user(number),
            market: BTC,
            isBuy: isBuy,
            lots: uint48(sizeWad / LOT),
            ticks: uint40(priceWad / TICK),
            maxFeePips: 1000,
            expiry: uint40(block.timestamp + 1 days),
            nonce: ++nonce,
            flags: 0
        });
    }

    /// @dev The first maker trades with trader `number`; positive: the trader buys. Whether it took effect.
    function tradeWithMaker(uint256 number, int256 sizeWad, uint256 priceWad) internal returns (bool) {
        uint256 size = uint256(sizeWad < 0 ? -sizeWad : sizeWad);
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (uint8(traderKeys.length), 1);
        addOrder(draft, order(0, sizeWad < 0, size, priceWad));
        addOrder(draft, order(number, sizeWad > 0, size, priceWad));
        addFill(draft, 0, 1, uint48(size / LOT));
        return CLEAR.settleBatch(bytesOf(draft)) == 1;
    }

    /// @dev An order of trader `number` for liquidations and the fund's positions.
    function bid(uint256 number, bool isBuy, uint256 sizeWad, uint256 priceWad) internal returns (bytes memory) {
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (uint8(N_MAKERS), 1);
        addOrder(draft, order(number, isBuy, sizeWad, priceWad));
        addFill(draft, 0, NO_TAKER, uint48(sizeWad / LOT));
        return bytesOf(draft);
    }

    /* TIME */

    /// @dev A second later the price is this one, and the market knows.
    function tick(uint256 priceWad) internal {
        vm.warp(vm.getBlockTimestamp() + 1);
        push(priceWad);
        MARKETS_.refresh(BTC);
    }

    /* WHAT IS */

    function healthOf(SubaccountId id) internal view returns (int256 equityWad, int256 maintenanceWad) {
        IRiskManager.Margin memory margin = RISK.margin(id);
        return (margin.equityWad, margin.maintenanceWad);
    }

    /// @dev Cash and unsettled profit of everybody, without ether: always zero.
    function worthOfAll() internal view returns (int256 sum) {
        int256 indexWad = MARKETS_.state(BTC).settleIndexWad;
        SubaccountId[5] memory pots = [VAULT, FEES, INSURANCE, PENDING, BAD_DEBT];
        for (uint256 i; i < pots.length; ++i) {
            sum += settledWad(pots[i], BTC, indexWad);
        }
        for (uint256 i; i < traderKeys.length; ++i) {
            sum += settledWad(user(i), BTC, indexWad);
        }
    }

    function assertSound() internal view {
        assertEq(worthOfAll(), 0);
        assertEq(cashOf(INSURANCE), int256(FUND.trancheWad(BTC) + FUND.trancheWad(GLOBAL)));
        assertLe(cashOf(BAD_DEBT), 0);
    }
}
