// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILiquidator} from "../../src/interfaces/settlement/ILiquidator.sol";
import {CLEARING} from "../../src/libraries/Constants.sol";
import {Bust, LegChange, MarketId, SubaccountChange, SubaccountId} from "../../src/types/Settlement.sol";
import {RiskWorld} from "../helpers/RiskWorld.sol";

/// @notice Traders who trade as far as margin lets them, prices that jump, keepers and owners who do what they may.
contract LiquidationHandler is RiskWorld {
    uint64 public constant USERS = 6;

    /// @notice How often each thing happened, and what must never happen.
    uint256 public nTrades;
    uint256 public nLiquidations;
    uint256 public nForced;
    uint256 public nHealthyLiquidated;
    uint256 public nDebtsMade;
    uint256 public nRewardsNotBelowPenalty;

    /// @dev Three more traders, and a fund that may hold something.
    function start() external {
        setUp();
        for (uint64 i = 3; i < USERS; ++i) {
            openFor(_owner(i));
        }
        for (uint64 i; i < USERS; ++i) {
            fund(user(i), 300e18);
        }
        vm.prank(bob);
        FUND.donate(GLOBAL, other, 500e18);
        allowBackstop(BTC, 2000e18);
        allowBackstop(ETH, 500e18);
        for (uint256 i; i < 12; ++i) {
            trade(uint256(keccak256(abi.encode(i))), 400, 0);
        }
    }

    /* TRADING */

    /// @dev Two trade at a price near the mark if margin accepts both.
    function trade(uint256 seed, int256 size, int256 off) public {
        (SubaccountId buyer, SubaccountId seller) = (_user(seed), _user(seed >> 8));
        if (buyer == seller) return;
        MarketId market = _market(seed >> 16);
        int256 mark = BOARD.state(market).markWad;
        int256 paid = mark + bound(off, -100, 100) * 1e16;
        SubaccountChange[] memory changes = tradeOf(buyer, seller, market, bound(size, 1, 400) * 1e17, paid, mark, 0);
        for (uint256 i; i < 2; ++i) {
            if (RISK.checkTrade(changes[i].id, changes[i].legs, changes[i].cashDeltaWad) != Bust.NONE) return;
        }
        settleAs(CLEARING, changes);
        ++nTrades;
    }

    function movePrice(uint256 seed, int256 move) external {
        MarketId market = _market(seed);
        skip(seed % 100);
        int256 now_ = BOARD.state(market).markWad + bound(move, -800, 800) * 1e16;
        BOARD.setPrice(market, now_ < 20e18 ? int256(20e18) : now_);
    }

    function wait(uint16 time) external {
        skip(time);
    }

    /* KEEPERS */

    function flag(uint256 seed) external {
        KEEPER.flag(_user(seed));
        skip(seed % 90);
    }

    function unflag(uint256 seed) external {
        KEEPER.unflag(_user(seed));
    }

    /// @dev At the limit or better; the maker may be anybody else.
    function liquidate(uint256 seed, uint256 better) external {
        (SubaccountId id, SubaccountId maker) = (_user(seed), _user(seed >> 8));
        if (id == maker) return;
        MarketId market = _market(seed >> 16);
        (int256 size, int256 limit) = KEEPER.closeTerms(id, market);
        if (size == 0) return;
        if (!KEEPER.isLiquidatable(id)) {
            KEEPER.flag(id);
            skip(60);
        }
        int256 step = int256(bound(better, 0, 50)) * 1e16;
        PIT.setMaker(maker, size < 0 ? limit + step : limit - step, type(uint128).max);
        (int256 equity, int256 maintenance) = healthOf(id);
        int256 insured = tranches();
        int256 had = cashOf(keeper);
        vm.prank(hunter);
        if (KEEPER.liquidate(id, market, keeper, "") == 0) return;
        ++nLiquidations;
        if (equity >= maintenance) ++nHealthyLiquidated;
        if (equity >= 0 && equityOf(id) < 0) ++nDebtsMade;
        int256 reward = cashOf(keeper) - had;
        bool isPaid = id != keeper && maker != keeper && reward > 0;
        if (isPaid && reward >= tranches() - insured + reward) ++nRewardsNotBelowPenalty;
    }

    function resolve(uint256 seed) external {
        KEEPER.resolve(_user(seed));
    }

    /* OWNERS */

    function requestClose(uint256 seed) external {
        vm.prank(_owner(seed % USERS));
        KEEPER.requestClose(_user(seed), _market(seed >> 8));
    }

    function forceClose(uint256 seed) external {
        (SubaccountId id, MarketId market) = (_user(seed), _market(seed >> 8));
        (, uint64 from) = KEEPER.closeRequest(id, market);
        if (from == 0) return;
        if (block.timestamp < from) vm.warp(from);
        BOARD.setPrice(market, BOARD.state(market).markWad);
        (int256 equity,) = healthOf(id);
        KEEPER.forceClose(id, market);
        ++nForced;
        if (equity >= 0 && equityOf(id) < 0) ++nDebtsMade;
    }

    function unwind(uint256 seed) external {
        MarketId market = _market(seed);
        PIT.setMaker(_user(seed >> 8), BOARD.state(market).markWad, type(uint128).max);
        KEEPER.unwind(market, "");
    }

    function donate(uint256 seed, uint64 amount) external {
        vm.prank(_owner(seed % USERS));
        FUND.donate(_market(seed >> 8), _user(seed), amount);
    }

    /* WHAT IS */

    /// @notice Cash and unsettled profit of everybody, pots included.
    function worth() external view returns (int256 sum) {
        sum = worthOfAll();
        for (uint64 i = 3; i < USERS; ++i) {
            sum += equityOf(user(i));
        }
    }

    function insured() external view returns (int256) {
        return tranches();
    }

    function cash(SubaccountId id) external view returns (int256) {
        return cashOf(id);
    }

    function _owner(uint256 i) internal view returns (address) {
        if (i == 0) return alice;
        if (i == 1) return bob;
        if (i == 2) return hunter;
        return address(uint160(0xA11CE0 + i));
    }

    function _user(uint256 seed) internal pure returns (SubaccountId) {
        return user((seed & 0xff) % USERS);
    }

    function _market(uint256 seed) internal pure returns (MarketId) {
        return seed & 1 == 0 ? BTC : ETH;
    }
}
