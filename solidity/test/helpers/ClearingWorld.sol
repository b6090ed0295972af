// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {IClearing} from "../../src/interfaces/settlement/IClearing.sol";
import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {Clearing} from "../../src/l2/settlement/Clearing.sol";
import {CLEARING, MARKETS, RISK_MANAGER} from "../../src/libraries/Constants.sol";
import {Bust, FEES, MarketId, MarketStatus, SubaccountId} from "../../src/types/Settlement.sol";
import {BatchBuilder, Quote, Ticket} from "./BatchBuilder.sol";
import {FakeMarkets} from "./FakeMarkets.sol";
import {FakeRiskManager} from "./FakeRiskManager.sol";
import {LedgerWorld} from "./LedgerWorld.sol";

/// @notice Clearing and Ledger as genesis places them, markets and margin as tests want them, and a few traders.
abstract contract ClearingWorld is LedgerWorld, BatchBuilder {
    IClearing internal constant CLEAR = IClearing(CLEARING);
    FakeMarkets internal constant BOARD = FakeMarkets(MARKETS);
    FakeRiskManager internal constant RISK = FakeRiskManager(RISK_MANAGER);

    uint256 internal constant N_TRADERS = 4;
    uint24 internal constant TAKER_FEE = 500;
    uint24 internal constant MAKER_FEE = 200;
    int256 internal constant MARK = 100e18;
    /// @dev 100.0, the mark.
    uint40 internal constant PAR = 1000;

    uint256[] internal keys;

    function setUp() public virtual override {
        super.setUp();
        vm.warp(1_000_000);
        vm.etch(CLEARING, address(new Clearing()).code);
        vm.etch(MARKETS, address(new FakeMarkets()).code);
        vm.etch(RISK_MANAGER, address(new FakeRiskManager()).code);
        BOARD.set(BTC, openMarket());
        BOARD.set(ETH, openMarket());
        addTraders(N_TRADERS);
    }

    function openMarket() internal pure returns (IMarkets.Trading memory) {
        return IMarkets.Trading({
            status: MarketStatus.OPEN,
            canIncrease: true,
            canReduce: true,
            markWad: MARK,
            settleIndexWad: 90e18,
            tickWad: uint128(TICK),
            lotWad: uint128(LOT),
            takerFeePips: TAKER_FEE,
            makerFeePips: MAKER_FEE,
            openInterestCapWad: 1e28,
            positionCapWad: 1e28
        });
    }

    /* TRADERS */

    /// @dev Trader `i` owns subaccount `user(i)` and nothing else.
    function addTraders(uint256 count) internal virtual {
        for (uint256 i = 0; i < count; ++i) {
            uint256 key = uint256(keccak256(abi.encode("trader", keys.length)));
            keys.push(key);
            fund(openFor(vm.addr(key)), 1_000_000e18);
        }
    }

    function owner(uint256 trader) internal view returns (address) {
        return vm.addr(keys[trader]);
    }

    function ticket(uint256 trader, bool isBuy, uint48 lots, uint40 ticks) internal view returns (Ticket memory) {
        return Ticket({
            signer: keys[trader],
            subaccount: user(trader),
            market: BTC,
            isBuy: isBuy,
            lots: lots,
            ticks: ticks,
            maxFeePips: 500,
            expiry: uint40(block.timestamp),
            nonce: 7,
            flags: 0
        });
    }

    /* BATCHES */

    function draft() internal view returns (Draft memory d) {
        d.nSubaccounts = uint8(keys.length);
        d.nMarkets = 2;
    }

    /// @dev One fill of two orders.
    function pair(Ticket memory maker, Ticket memory taker, uint48 lots) internal view returns (Draft memory d) {
        d = draft();
        addOrder(d, maker);
        addOrder(d, taker);
        addFill(d, 0, 1, lots);
    }

    function settle(Draft memory d) internal returns (uint256) {
        return CLEAR.settleBatch(bytesOf(d));
    }

    /// @dev The fills of a batch that were left out, as Bust per fill; NONE took effect.
    function settleForReasons(Draft memory d) internal returns (Bust[] memory reasons) {
        vm.recordLogs();
        uint256 nFills = settle(d);
        reasons = new Bust[](d.nFills);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 nBusts = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IClearing.FillBusted.selector) continue;
            (,, Bust reason) = abi.decode(logs[i].data, (SubaccountId, SubaccountId, Bust));
            reasons[uint256(logs[i].topics[1])] = reason;
            ++nBusts;
        }
        assertEq(nFills + nBusts, d.nFills);
    }

    function assertBust(Draft memory d, Bust reason) internal {
        Bust[] memory reasons = settleForReasons(d);
        assertEq(uint256(reasons[0]), uint256(reason));
        if (reason != Bust.NONE) assertEq(sizeOf(user(0), BTC), 0);
    }

    /// @dev Cash plus what the position in BTC has gained: what a trader has.
    function worth(uint256 trader) internal view returns (int256) {
        IMarkets.Trading memory trading = BOARD.tradingOf(BTC);
        return settledWad(user(trader), BTC, trading.settleIndexWad);
    }

    function fees() internal view returns (int256) {
        return cashOf(FEES);
    }
}
