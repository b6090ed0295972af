// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {COLLATERAL} from "../../src/libraries/Constants.sol";
import {
    BAD_DEBT,
    FEES,
    INSURANCE,
    Leg,
    MarketId,
    PENDING,
    Position,
    SubaccountId,
    VAULT
} from "../../src/types/Settlement.sol";
import {CollateralWorld} from "../helpers/CollateralWorld.sol";
import {SettlementHandler} from "./SettlementHandler.sol";

/// @notice What holds in the ledger and in collateral whatever traders, users and modules do.
contract SettlementInvariantTest is CollateralWorld {
    SettlementHandler internal handler;

    function setUp() public override {
        super.setUp();
        handler = new SettlementHandler();
        handler.start();
        targetContract(address(handler));
        bytes4[] memory actions = new bytes4[](14);
        actions[0] = SettlementHandler.moveIndex.selector;
        actions[1] = SettlementHandler.tradeMany.selector;
        actions[2] = SettlementHandler.settleOne.selector;
        actions[3] = SettlementHandler.closeOne.selector;
        actions[4] = SettlementHandler.penalize.selector;
        actions[5] = SettlementHandler.coverLoss.selector;
        actions[6] = SettlementHandler.depositToken.selector;
        actions[7] = SettlementHandler.requestCash.selector;
        actions[8] = SettlementHandler.requestEther.selector;
        actions[9] = SettlementHandler.release.selector;
        actions[10] = SettlementHandler.cancel.selector;
        actions[11] = SettlementHandler.liquidate.selector;
        actions[12] = SettlementHandler.transfer.selector;
        actions[13] = SettlementHandler.wait.selector;
        targetSelector(FuzzSelector(address(handler), actions));
    }

    /// @dev After every call.
    function invariant_cash_isAccountedFor() public view {
        _checkConservation();
        _checkVault();
    }

    /// @dev At the end of every run: these read everything.
    function afterInvariant() public view {
        _checkSizes();
        _checkEvents();
        _checkPending();
    }

    function _count() internal view returns (uint64) {
        return SubaccountId.unwrap(BOOKS.nextSubaccount());
    }

    /// @dev Σ cash + Σ what positions have gained since they were settled = 0, to the last unit.
    function _checkConservation() internal view {
        int256 sum;
        for (uint64 i = 0; i < _count(); ++i) {
            (int256 cash, Leg[] memory legs) = BOOKS.portfolio(SubaccountId.wrap(i));
            sum += cash;
            for (uint256 j = 0; j < legs.length; ++j) {
                int256 product = legs[j].sizeWad * (handler.indexWad(legs[j].market) - legs[j].indexWad);
                assertEq(product % 1e18, 0);
                sum += product / 1e18;
            }
        }
        assertEq(sum, 0);
    }

    /// @dev Positions of a market sum to zero until it is closed; open interest is what is long.
    function _checkSizes() internal view {
        for (uint32 m = 1; m <= handler.N_MARKETS(); ++m) {
            MarketId market = MarketId.wrap(m);
            (int256 sum, int256 longs) = (0, 0);
            for (uint64 i = 0; i < _count(); ++i) {
                int256 size = sizeOf(SubaccountId.wrap(i), market);
                sum += size;
                if (size > 0) longs += size;
            }
            if (!handler.isClosed(market)) assertEq(sum, 0);
            assertEq(BOOKS.openInterestWad(market), longs);
        }
    }

    /// @dev What events say is what is stored, and the legs listed are the positions there are.
    function _checkEvents() internal view {
        for (uint64 i = 0; i < _count(); ++i) {
            SubaccountId id = SubaccountId.wrap(i);
            (address owner,, int256 cash) = BOOKS.subaccount(id);
            assertEq(owner, handler.owners(id));
            assertEq(cash, handler.cash(id));
            assertEq(VAULTS.etherOf(id), handler.ethers(id));
            uint256 held;
            for (uint32 m = 1; m <= handler.N_MARKETS(); ++m) {
                MarketId market = MarketId.wrap(m);
                Position memory position = BOOKS.position(id, market);
                assertEq(position.sizeWad, handler.sizes(id, market));
                assertEq(position.indexWad, handler.indices(id, market));
                if (position.sizeWad != 0) held += 1;
            }
            assertEq(BOOKS.nLegs(id), held);
        }
        for (uint32 m = 1; m <= handler.N_MARKETS(); ++m) {
            MarketId market = MarketId.wrap(m);
            assertEq(BOOKS.openInterestWad(market), handler.openInterest(market));
        }
    }

    /// @dev The vault is what came in less what went out, and no more than that is promised to leave.
    function _checkVault() internal view {
        int256 held = -cashOf(VAULT);
        assertEq(held, int256((handler.tokensIn() - handler.tokensOut()) * UNIT));
        assertLe(cashOf(PENDING), held);
        assertGe(cashOf(FEES), 0);
        assertLe(cashOf(BAD_DEBT), 0);
    }

    /// @dev What is pending is in the pot, and all ether is somebody's.
    function _checkPending() internal view {
        (uint256 cashSum, uint256 etherSum) = (0, 0);
        for (uint64 i = 16; i < _count(); ++i) {
            SubaccountId id = SubaccountId.wrap(i);
            (uint256 cash, uint256 ethers) = VAULTS.pendingOf(id);
            cashSum += cash;
            etherSum += ethers + VAULTS.etherOf(id);
            assertLe(VAULTS.withdrawalsOf(id).length, 8);
        }
        assertEq(cashOf(PENDING), int256(cashSum));
        assertEq(VAULTS.totalEtherWei(), etherSum);
        assertEq(COLLATERAL.balance, etherSum + VAULTS.etherOf(INSURANCE));
    }
}
