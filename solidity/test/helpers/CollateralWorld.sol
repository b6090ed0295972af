// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../src/interfaces/settlement/ICollateral.sol";
import {MessagePasser} from "../../src/l2/MessagePasser.sol";
import {Collateral} from "../../src/l2/settlement/Collateral.sol";
import {
    ALIAS_OFFSET,
    COLLATERAL,
    LEDGER,
    LIQUIDATOR,
    MARKETS,
    MESSAGE_PASSER,
    PRICE_ORACLE,
    RISK_GOVERNOR,
    RISK_MANAGER
} from "../../src/libraries/Constants.sol";
import {FeedId, SubaccountId} from "../../src/types/Settlement.sol";
import {FakeMarkets, FakePriceOracle, FakeRiskGovernor, FakeRiskManager} from "./FakeSettlement.sol";
import {LedgerWorld} from "./LedgerWorld.sol";

/// @notice Collateral as genesis places it, with the Ledger and the MessagePasser, and fakes around it.
abstract contract CollateralWorld is LedgerWorld {
    ICollateral internal constant VAULTS = ICollateral(COLLATERAL);
    FakeRiskManager internal constant RISK = FakeRiskManager(RISK_MANAGER);
    FakePriceOracle internal constant PRICES = FakePriceOracle(PRICE_ORACLE);
    SubaccountId internal constant NEW = SubaccountId.wrap(0);
    uint256 internal constant START = 1_700_000_000;
    uint256 internal constant UNIT = 1e12;
    ICollateral.Asset internal constant CASH = ICollateral.Asset.CASH;
    ICollateral.Asset internal constant ETHER = ICollateral.Asset.ETHER;

    address internal gatewayL1 = makeAddr("gateway");

    function setUp() public virtual override {
        super.setUp();
        vm.warp(START);
        vm.etch(COLLATERAL, address(new Collateral()).code);
        vm.store(COLLATERAL, 0, bytes32(uint256(uint160(gatewayL1))));
        vm.store(COLLATERAL, bytes32(uint256(1)), bytes32(UNIT));
        vm.etch(MESSAGE_PASSER, address(new MessagePasser()).code);
        vm.etch(RISK_MANAGER, address(new FakeRiskManager()).code);
        vm.etch(PRICE_ORACLE, address(new FakePriceOracle()).code);
        vm.etch(MARKETS, address(new FakeMarkets()).code);
        vm.etch(RISK_GOVERNOR, address(new FakeRiskGovernor()).code);
        FakeRiskGovernor(RISK_GOVERNOR).seal();
        PRICES.set(2000e18, true);
        setSettings(defaults());
        vm.deal(alice, 1000 ether);
        vm.deal(bob, 1000 ether);
    }

    function defaults() internal pure returns (ICollateral.Settings memory) {
        return ICollateral.Settings({
            etherFeed: FeedId.wrap(1),
            etherInitialHaircutPips: 150_000,
            etherMaintenanceHaircutPips: 100_000,
            etherCapWei: 500 ether,
            hourlyFloorWad: 1_000_000e18,
            hourlyPips: 10_000,
            dailyFloorWad: 10_000_000e18,
            dailyPips: 100_000
        });
    }

    function setSettings(ICollateral.Settings memory settings) internal {
        vm.prank(RISK_GOVERNOR);
        VAULTS.setSettings(settings);
    }

    function aliased(address account) internal pure returns (address) {
        unchecked {
            return address(uint160(account) + uint160(ALIAS_OFFSET));
        }
    }

    /// @dev Tokens from L1; returns the subaccount that has them.
    function credit(address owner, SubaccountId id, uint256 amount) internal returns (SubaccountId) {
        SubaccountId next = BOOKS.nextSubaccount();
        vm.prank(aliased(gatewayL1));
        VAULTS.creditToken(owner, id, amount);
        return BOOKS.nextSubaccount() == next ? id : next;
    }

    /// @dev A new subaccount of `owner` with ether and nothing else.
    function etherFor(address owner, uint256 amount) internal returns (SubaccountId id) {
        id = BOOKS.nextSubaccount();
        vm.prank(owner);
        VAULTS.depositEther{value: amount}(NEW);
    }

    function request(address owner, SubaccountId id, ICollateral.Asset asset, uint128 amount)
        internal
        returns (uint256)
    {
        vm.prank(owner);
        return VAULTS.requestWithdrawal(id, asset, amount, owner);
    }

    function expectRequestRevert(
        address owner,
        SubaccountId id,
        ICollateral.Asset asset,
        uint128 amount,
        bytes memory reason
    ) internal {
        vm.prank(owner);
        vm.expectRevert(reason);
        VAULTS.requestWithdrawal(id, asset, amount, owner);
    }

    /// @dev As the Liquidator does it: under the lock.
    function cancelAll(SubaccountId id) internal {
        vm.startPrank(LIQUIDATOR);
        BOOKS.enter();
        VAULTS.cancelAll(id);
        BOOKS.leave();
        vm.stopPrank();
    }

    function seize(SubaccountId id) internal returns (uint256 amountWei) {
        vm.startPrank(LIQUIDATOR);
        BOOKS.enter();
        amountWei = VAULTS.seizeEther(id);
        BOOKS.leave();
        vm.stopPrank();
    }

    function later(uint256 time) internal {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    /// @dev Lets a subaccount hold a position, against another one of nobody's concern.
    function give(SubaccountId id, SubaccountId counterparty) internal {
        trade(id, counterparty, BTC, 1e18, 100e18, 100e18, 0);
    }
}
