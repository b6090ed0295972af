// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILedger} from "../../src/interfaces/settlement/ILedger.sol";
import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {LEDGER, LIQUIDATOR, MARKETS} from "../../src/libraries/Constants.sol";
import {LegChange, MarketId, SubaccountChange, SubaccountId} from "../../src/types/Settlement.sol";

/// @notice One maker who takes the other side at one price, up to a size, if the limit allows.
contract FakeClearing {
    error NotLiquidator();

    SubaccountId internal _maker;
    int256 internal _priceWad;
    uint256 internal _mostWad;

    function setMaker(SubaccountId maker, int256 priceWad, uint256 mostWad) external {
        (_maker, _priceWad, _mostWad) = (maker, priceWad, mostWad);
    }

    function closeAgainst(SubaccountId taker, MarketId market, int256 sizeWad, int256 limitWad, bytes calldata)
        external
        returns (int256 closedWad, int256 notionalWad)
    {
        if (msg.sender != LIQUIDATOR) revert NotLiquidator();
        if (sizeWad < 0 ? _priceWad < limitWad : _priceWad > limitWad) return (0, 0);
        int256 most = int256(_mostWad);
        closedWad = sizeWad < 0 ? (sizeWad < -most ? -most : sizeWad) : (sizeWad > most ? most : sizeWad);
        if (closedWad == 0) return (0, 0);
        IMarkets.State memory state = IMarkets(MARKETS).state(market);
        int256 cashWad = closedWad * (state.markWad - _priceWad) / 1e18;
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = SubaccountChange(taker, cashWad, _leg(market, closedWad, state.settleIndexWad));
        changes[1] = SubaccountChange(_maker, -cashWad, _leg(market, -closedWad, state.settleIndexWad));
        ILedger(LEDGER).settle(changes);
        notionalWad = (closedWad < 0 ? -closedWad : closedWad) * _priceWad / 1e18;
    }

    function _leg(MarketId market, int256 sizeWad, int256 indexWad) private pure returns (LegChange[] memory legs) {
        legs = new LegChange[](1);
        legs[0] = LegChange(market, sizeWad, indexWad);
    }
}
