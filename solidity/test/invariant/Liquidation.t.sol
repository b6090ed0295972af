// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {BAD_DEBT, INSURANCE} from "../../src/types/Settlement.sol";
import {LiquidationHandler} from "./LiquidationHandler.sol";

/// @notice What holds whatever traders, prices, keepers and owners do.
contract LiquidationInvariantTest is Test {
    LiquidationHandler internal handler;

    function setUp() public {
        handler = new LiquidationHandler();
        handler.start();
        bytes4[] memory calls = new bytes4[](11);
        calls[0] = LiquidationHandler.trade.selector;
        calls[1] = LiquidationHandler.movePrice.selector;
        calls[2] = LiquidationHandler.wait.selector;
        calls[3] = LiquidationHandler.flag.selector;
        calls[4] = LiquidationHandler.unflag.selector;
        calls[5] = LiquidationHandler.liquidate.selector;
        calls[6] = LiquidationHandler.resolve.selector;
        calls[7] = LiquidationHandler.requestClose.selector;
        calls[8] = LiquidationHandler.forceClose.selector;
        calls[9] = LiquidationHandler.unwind.selector;
        calls[10] = LiquidationHandler.donate.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), calls));
    }

    function invariant_nothingIsMadeOrLost() public view {
        assertEq(handler.worth(), 0);
    }

    function invariant_tranchesAreThePotsCash() public view {
        assertEq(handler.cash(INSURANCE), handler.insured());
        assertLe(handler.cash(BAD_DEBT), 0);
    }

    function invariant_noHealthyAccountIsLiquidated_noDebtIsMade_noRewardIsWorthIt() public view {
        assertEq(handler.nHealthyLiquidated(), 0);
        assertEq(handler.nDebtsMade(), 0);
        assertEq(handler.nRewardsNotBelowPenalty(), 0);
    }

    /// @dev The story has to be one: things happen at all.
    function test_handler_somethingHappens() public {
        for (uint256 i = 1; i < 500; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            _try(abi.encodeCall(LiquidationHandler.trade, (seed, int256(seed >> 32), int256(seed >> 64))));
            _try(abi.encodeCall(LiquidationHandler.movePrice, (seed >> 24, int256(seed >> 96))));
            _try(abi.encodeCall(LiquidationHandler.flag, (seed >> 40)));
            _try(abi.encodeCall(LiquidationHandler.wait, (61)));
            _try(abi.encodeCall(LiquidationHandler.liquidate, (seed >> 48, seed >> 128)));
            if (i % 10 == 0) _try(abi.encodeCall(LiquidationHandler.requestClose, (seed >> 56)));
            _try(abi.encodeCall(LiquidationHandler.forceClose, (seed >> 56)));
            _try(abi.encodeCall(LiquidationHandler.unwind, (seed >> 56)));
        }
        assertGt(handler.nTrades(), 50);
        assertGt(handler.nLiquidations(), 10);
        assertGt(handler.nForced(), 3);
        assertEq(handler.worth(), 0);
        assertEq(handler.nHealthyLiquidated() + handler.nDebtsMade() + handler.nRewardsNotBelowPenalty(), 0);
    }

    function _try(bytes memory data) private {
        (bool ok,) = address(handler).call(data);
        ok;
    }
}
