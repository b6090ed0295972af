// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../src/interfaces/settlement/ICollateral.sol";
import {ILedger} from "../../src/interfaces/settlement/ILedger.sol";
import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../src/interfaces/settlement/IPriceOracle.sol";
import {CLEARING, LEDGER, RISK_GOVERNOR} from "../../src/libraries/Constants.sol";
import {FeedId, LegChange, MarketId, MAX_LEGS, SubaccountChange, SubaccountId} from "../../src/types/Settlement.sol";
import {SettlementWorld} from "../helpers/SettlementWorld.sol";

/// @notice Opens positions that nobody has to trade for.
contract Opener {
    function settle(SubaccountChange[] calldata changes) external {
        ILedger(LEDGER).enter();
        ILedger(LEDGER).settle(changes);
        ILedger(LEDGER).leave();
    }
}

/// @notice The dearest calls about one subaccount: a leg in as many markets as it may have, each with a feed of its own, after
/// an outage, with all withdrawals that may be pending, against a maker that holds as much. Who cannot be liquidated in one
/// transaction cannot be liquidated.
/// forge-config: default.isolate = true
contract SettlementLimitsGasTest is SettlementWorld {
    /// @dev Gas of one transaction on L2, on every profile of parameters.
    uint256 internal constant TX_GAS_CAP = 1 << 23;

    uint256 internal constant N_WITHDRAWALS = 8;
    uint256 internal constant BULLY = 4;
    uint256 internal constant CROWD = 5;

    function setUp() public override {
        super.setUp();
        IMarkets.Limits memory limits = calmLimits();
        // With roots to take, and for some the crowded case.
        limits.sizeMarginPips = 1000;
        for (uint256 i = 1; i < 2 * MAX_LEGS; ++i) {
            if (i < MAX_LEGS) {
                setFeed(_feed(i), defaultFeed());
                _push(i, 100e18);
            }
            IMarkets.Terms memory terms = steps();
            terms.feed = _feed(i % MAX_LEGS);
            vm.prank(RISK_GOVERNOR);
            MARKETS_.list(terms, limits);
            MARKETS_.refresh(_market(i));
        }
        vm.prank(RISK_GOVERNOR);
        FUND.setBackstop(BTC, 1_000_000e18);
        vm.prank(ownerOf(0));
        FUND.donate(GLOBAL, user(0), 10_000e18);
        newTrader(260e18);
        newTrader(10_000e18);
        _open(BULLY, 0, 10e18, 0);
        _open(CROWD, MAX_LEGS, int256(LOT), 2);
        vm.deal(ownerOf(BULLY), 2 ether);
        vm.prank(ownerOf(BULLY));
        SAFE.depositEther{value: 0.1 ether}(user(BULLY));
    }

    function test_liquidate() public {
        _later(2, 100e18);
        _withdraw();
        _later(700, 90e18);
        _later(400, 74e18);
        bytes memory makers = _bid(0);
        vm.prank(ownerOf(HUNTER));
        KEEPER.liquidate(user(BULLY), BTC, user(HUNTER), makers);
        assertLe(vm.snapshotGasLastCall("SettlementLimits", "liquidate: far below, nothing refreshed"), TX_GAS_CAP);
    }

    function test_liquidate_flagged() public {
        _later(2, 100e18);
        _withdraw();
        _later(5, 75.5e18);
        _later(1200, 75.5e18);
        KEEPER.flag(user(BULLY));
        assertLe(vm.snapshotGasLastCall("SettlementLimits", "flag: nothing refreshed"), TX_GAS_CAP);
        // The grace after an outage and after the flag.
        for (uint256 i; i < 4; ++i) {
            for (uint256 k; k < MAX_LEGS; ++k) {
                MARKETS_.refresh(_market(k));
            }
            _later(240, 75.5e18);
        }
        bytes memory makers = _bid(0);
        vm.prank(ownerOf(HUNTER));
        KEEPER.liquidate(user(BULLY), BTC, user(HUNTER), makers);
        assertLe(vm.snapshotGasLastCall("SettlementLimits", "liquidate: flagged, nothing refreshed"), TX_GAS_CAP);
    }

    function test_leave() public {
        _later(2, 100e18);
        _withdraw();
        _later(700, 100e18);
        SAFE.release(1);
        assertLe(vm.snapshotGasLastCall("SettlementLimits", "release: nothing refreshed"), TX_GAS_CAP);
        vm.prank(ownerOf(BULLY));
        KEEPER.requestClose(user(BULLY), BTC);
        _later(4 hours + 1, 100e18);
        KEEPER.forceClose(user(BULLY), BTC);
        assertLe(vm.snapshotGasLastCall("SettlementLimits", "forceClose: nothing refreshed"), TX_GAS_CAP);
    }

    /// @dev The two hold no market in common but the one they trade.
    function test_match() public {
        _later(700, 100e18);
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (uint8(traderKeys.length), uint8(2 * MAX_LEGS));
        addOrder(draft, order(CROWD, false, LOT, 100e18));
        addOrder(draft, order(BULLY, true, LOT, 100e18));
        addFill(draft, 0, 1, 1);
        assertEq(CLEAR.settleBatch(bytesOf(draft)), 1);
        assertLe(vm.snapshotGasLastCall("SettlementLimits", "settleBatch: one match, nothing refreshed"), TX_GAS_CAP);
    }

    /* PRIVATE */

    function _market(uint256 i) private pure returns (MarketId) {
        return MarketId.wrap(uint32(i + 1));
    }

    function _feed(uint256 i) private pure returns (FeedId) {
        return i == 0 ? FEED : FeedId.wrap(uint32(100 + i));
    }

    function _push(uint256 i, uint256 priceWad) private {
        IPriceOracle.Observation[] memory seen = new IPriceOracle.Observation[](4);
        for (uint256 k; k < seen.length; ++k) {
            seen[k] = sign(keys[k], _feed(i), priceWad, vm.getBlockTimestamp());
        }
        ORACLE.push(_feed(i), seen);
    }

    /// @dev Lets time pass and every feed have another price.
    function _later(uint256 elapsedS, uint256 priceWad) private {
        vm.warp(vm.getBlockTimestamp() + elapsedS);
        for (uint256 i; i < MAX_LEGS; ++i) {
            _push(i, i == 0 ? priceWad : 99e18 + i * 1e16);
        }
    }

    /// @dev As many legs as there may be, but for `spared` ones: the first of that size, the others of a lot; against user 0
    /// or, so that it does not get too many, user 1.
    function _open(uint256 who, uint256 first, int256 sizeWad, uint256 spared) private {
        uint256 count = MAX_LEGS - spared;
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = SubaccountChange(user(who), 0, new LegChange[](count));
        changes[1] = SubaccountChange(user(first == 0 ? 0 : 1), 0, new LegChange[](count));
        for (uint256 i; i < count; ++i) {
            int256 size = i == 0 ? sizeWad : int256(LOT);
            changes[0].legs[i] = LegChange(_market(first + i), size, 100e18);
            changes[1].legs[i] = LegChange(_market(first + i), -size, 100e18);
        }
        bytes memory code = CLEARING.code;
        vm.etch(CLEARING, address(new Opener()).code);
        Opener(CLEARING).settle(changes);
        vm.etch(CLEARING, code);
    }

    function _withdraw() private {
        for (uint256 i; i < N_WITHDRAWALS; ++i) {
            bool isCash = i % 2 == 0;
            ICollateral.Asset asset = isCash ? ICollateral.Asset.CASH : ICollateral.Asset.ETHER;
            vm.prank(ownerOf(BULLY));
            SAFE.requestWithdrawal(user(BULLY), asset, isCash ? uint128(1e6) : uint128(1e15), ownerOf(BULLY));
        }
    }

    function _bid(uint256 maker) private returns (bytes memory) {
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (uint8(N_MAKERS), uint8(MAX_LEGS));
        addOrder(draft, order(maker, true, 10e18, 74e18));
        addFill(draft, 0, NO_TAKER, uint48(uint256(10e18) / LOT));
        return bytesOf(draft);
    }
}
