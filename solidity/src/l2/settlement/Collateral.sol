// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMessagePasser} from "../../interfaces/IMessagePasser.sol";
import {ICollateral} from "../../interfaces/settlement/ICollateral.sol";
import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../interfaces/settlement/IPriceOracle.sol";
import {IRiskGovernor} from "../../interfaces/settlement/IRiskGovernor.sol";
import {IRiskManager} from "../../interfaces/settlement/IRiskManager.sol";
import {ITokenGateway} from "../../interfaces/settlement/ITokenGateway.sol";
import {
    ALIAS_OFFSET,
    LEDGER,
    LIQUIDATOR,
    MARKETS,
    MESSAGE_PASSER,
    PRICE_ORACLE,
    RISK_GOVERNOR,
    RISK_MANAGER
} from "../../libraries/Constants.sol";
import {CollateralBounds} from "../../libraries/settlement/CollateralBounds.sol";
import {Module} from "../../libraries/settlement/Module.sol";
import {Quantum} from "../../libraries/settlement/Quantum.sol";
import {Line, Place, RateLine} from "../../libraries/settlement/RateLine.sol";
import {
    CashReason,
    INSURANCE,
    Leg,
    PENDING,
    PIPS,
    PriceUse,
    SubaccountId,
    VAULT,
    WAD
} from "../../types/Settlement.sol";

/// @title Collateral (L2)
/// @notice See ICollateral. Predeploy: genesis writes its code, `gateway` and `tokenUnitWad`; there is no constructor.
/// @dev Counts what it was given; ether that comes in otherwise is nobody's.
contract Collateral is ICollateral, Module {
    using RateLine for Line;

    /// @dev A withdrawal and what it took of the line.
    struct Queued {
        Withdrawal withdrawal;
        Place place;
    }

    /* CONSTANTS */

    /// @dev The most a liquidation may have to cancel.
    uint256 internal constant MAX_WITHDRAWALS = 8;

    /// @dev L1 gas for the gateway and a token behind a proxy.
    uint256 internal constant TOKEN_MESSAGE_GAS = 200_000;

    /// @dev L1 gas for a recipient that is a wallet contract.
    uint256 internal constant ETHER_MESSAGE_GAS = 100_000;

    /* STORAGE */

    /// @inheritdoc ICollateral
    address public gateway;

    /// @inheritdoc ICollateral
    uint256 public tokenUnitWad;

    /// @inheritdoc ICollateral
    mapping(SubaccountId id => uint256) public etherOf;

    /// @inheritdoc ICollateral
    uint256 public totalEtherWei;

    Settings internal _settings;
    mapping(Asset asset => Line) internal _lines;
    mapping(uint256 number => Queued) internal _queue;
    mapping(SubaccountId id => uint64[]) internal _numbers;
    uint64 internal _lastNumber;

    /* IN */

    /// @inheritdoc ICollateral
    function creditToken(address owner, SubaccountId id, uint256 amount) external exclusive {
        if (gateway == address(0) || msg.sender != _aliasOf(gateway)) revert NotGateway(msg.sender);
        if (owner == address(0) || _ownerOf(id) != owner) id = ILedger(LEDGER).openFor(owner);
        _move(VAULT, id, amount * tokenUnitWad, CashReason.DEPOSIT);
        emit Deposited(id, Asset.CASH, amount);
    }

    /// @inheritdoc ICollateral
    function depositEther(SubaccountId id) external payable exclusive {
        if (!IRiskGovernor(RISK_GOVERNOR).isSealed()) revert NotSealed();
        if (msg.value == 0) revert ZeroAmount();
        if (id == SubaccountId.wrap(0)) id = ILedger(LEDGER).openFor(msg.sender);
        else _requireOwner(id);
        totalEtherWei += msg.value;
        if (totalEtherWei > _settings.etherCapWei) revert OverCap(totalEtherWei);
        _setEther(id, etherOf[id] + msg.value);
        emit Deposited(id, Asset.ETHER, msg.value);
    }

    /* OUT */

    /// @inheritdoc ICollateral
    function requestWithdrawal(SubaccountId id, Asset asset, uint128 amount, address recipient)
        external
        exclusive
        returns (uint256)
    {
        _requireOwner(id);
        if (amount == 0) revert ZeroAmount();
        if (recipient == address(0)) revert InvalidRecipient();
        if (_numbers[id].length == MAX_WITHDRAWALS) revert TooManyWithdrawals(id);
        _requireMayLeave(id, asset, amount);
        if (asset == Asset.CASH) _move(id, PENDING, amount * tokenUnitWad, CashReason.WITHDRAWAL_REQUESTED);
        else _setEther(id, etherOf[id] - amount);
        return _enqueue(Withdrawal(id, asset, amount, recipient, 0));
    }

    /// @inheritdoc ICollateral
    function release(uint256 number) external exclusive returns (bytes32 messageKey) {
        Withdrawal memory w = _dequeue(number);
        if (block.timestamp < w.readyAt) revert NotReady(w.readyAt);
        _giveBack(w, CashReason.WITHDRAWAL_SENT);
        _requireMayLeave(w.subaccount, w.asset, w.amount);
        messageKey = w.asset == Asset.CASH ? _sendToken(w) : _sendEther(w);
        emit WithdrawalReleased(number, messageKey);
    }

    /// @inheritdoc ICollateral
    function cancel(uint256 number) external exclusive {
        Withdrawal memory w = _queue[number].withdrawal;
        if (w.amount == 0) revert UnknownWithdrawal(number);
        _requireOwner(w.subaccount);
        _cancel(number);
    }

    /// @inheritdoc ICollateral
    function transfer(SubaccountId from, SubaccountId to, int256 amountWad) external exclusive {
        _requireOwner(from);
        _requireOwner(to);
        if (amountWad <= 0) revert ZeroAmount();
        _requireCashMayLeave(from, amountWad);
        ILedger(LEDGER).move(from, to, amountWad, CashReason.TRANSFER);
    }

    /* MODULES */

    /// @inheritdoc ICollateral
    function cancelAll(SubaccountId id) external {
        if (msg.sender != LIQUIDATOR) revert NotModule(msg.sender);
        for (uint256 left = _numbers[id].length; left > 0; --left) {
            _cancel(_numbers[id][left - 1]);
        }
    }

    /// @inheritdoc ICollateral
    function seizeEther(SubaccountId id) external returns (uint256 amountWei) {
        if (msg.sender != LIQUIDATOR) revert NotModule(msg.sender);
        amountWei = etherOf[id];
        // What is the fund's takes nobody's place under the cap.
        totalEtherWei -= amountWei;
        _setEther(id, 0);
        _setEther(INSURANCE, etherOf[INSURANCE] + amountWei);
    }

    /// @inheritdoc ICollateral
    function setSettings(Settings calldata newSettings) external {
        if (msg.sender != RISK_GOVERNOR) revert NotGovernor();
        CollateralBounds.check(newSettings);
        // Where ether counts, its feed must be one that there is: this reverts otherwise.
        if (newSettings.etherCapWei != 0 || totalEtherWei != 0) IPriceOracle(PRICE_ORACLE).feed(newSettings.etherFeed);
        _settings = newSettings;
        emit SettingsChanged(newSettings);
    }

    /* VIEWS */

    /// @inheritdoc ICollateral
    function settings() external view returns (Settings memory) {
        return _settings;
    }

    /// @inheritdoc ICollateral
    function valuesWad(SubaccountId id) external view returns (int256 initialWad, int256 maintenanceWad) {
        uint256 amountWei = etherOf[id];
        // Nobody without ether depends on its price.
        if (amountWei == 0) return (0, 0);
        (uint256 priceWad,) = IPriceOracle(PRICE_ORACLE).latest(_settings.etherFeed);
        maintenanceWad = _valueWad(amountWei, priceWad, _settings.etherMaintenanceHaircutPips);
        initialWad = _initialValueWad(amountWei);
    }

    /// @inheritdoc ICollateral
    function withdrawal(uint256 number) external view returns (Withdrawal memory) {
        return _queue[number].withdrawal;
    }

    /// @inheritdoc ICollateral
    function withdrawalsOf(SubaccountId id) external view returns (uint256[] memory numbers) {
        numbers = new uint256[](_numbers[id].length);
        for (uint256 i = 0; i < numbers.length; ++i) {
            numbers[i] = _numbers[id][i];
        }
    }

    /// @inheritdoc ICollateral
    function pendingOf(SubaccountId id) external view returns (uint256 cashWad, uint256 etherWei) {
        uint64[] memory numbers = _numbers[id];
        for (uint256 i = 0; i < numbers.length; ++i) {
            Withdrawal memory w = _queue[numbers[i]].withdrawal;
            if (w.asset == Asset.CASH) cashWad += w.amount * tokenUnitWad;
            else etherWei += w.amount;
        }
    }

    /// @inheritdoc ICollateral
    function lineOf(Asset asset)
        external
        view
        returns (uint256 hourlyLimit, uint256 dailyLimit, uint256 hourEnd, uint256 dayEnd)
    {
        (hourlyLimit, dailyLimit) = _limits(asset);
        (hourEnd, dayEnd) = (_lines[asset].hourEnd, _lines[asset].dayEnd);
    }

    /* INTERNAL: the queue */

    function _enqueue(Withdrawal memory w) internal returns (uint256) {
        (uint256 hourly, uint256 daily) = _limits(w.asset);
        uint256 amount = w.asset == Asset.CASH ? w.amount * tokenUnitWad : w.amount;
        uint64 number = ++_lastNumber;
        Queued storage queued = _queue[number];
        // Never in the second of the request: prices move between the two checks.
        uint256 readyAt;
        (queued.place, readyAt) = _lines[w.asset].join(amount, hourly, daily, block.timestamp + 1);
        w.readyAt = uint64(readyAt);
        queued.withdrawal = w;
        _numbers[w.subaccount].push(number);
        emit WithdrawalRequested(number, w);
        return number;
    }

    /// @dev Forgets a withdrawal; whoever calls decides where its amount goes.
    function _dequeue(uint256 number) internal returns (Withdrawal memory w) {
        w = _queue[number].withdrawal;
        if (w.amount == 0) revert UnknownWithdrawal(number);
        delete _queue[number];
        uint64[] storage numbers = _numbers[w.subaccount];
        uint256 place = 0;
        while (numbers[place] != number) ++place;
        numbers[place] = numbers[numbers.length - 1];
        numbers.pop();
    }

    function _cancel(uint256 number) internal {
        Place memory place = _queue[number].place;
        Withdrawal memory w = _dequeue(number);
        _lines[w.asset].quit(place);
        _giveBack(w, CashReason.WITHDRAWAL_CANCELLED);
        emit WithdrawalCancelled(number);
    }

    function _giveBack(Withdrawal memory w, CashReason reason) internal {
        if (w.asset == Asset.CASH) _move(PENDING, w.subaccount, w.amount * tokenUnitWad, reason);
        else _setEther(w.subaccount, etherOf[w.subaccount] + w.amount);
    }

    function _sendToken(Withdrawal memory w) internal returns (bytes32) {
        _move(w.subaccount, VAULT, w.amount * tokenUnitWad, CashReason.WITHDRAWAL_SENT);
        return IMessagePasser(MESSAGE_PASSER)
            .sendMessage(gateway, TOKEN_MESSAGE_GAS, abi.encodeCall(ITokenGateway.release, (w.recipient, w.amount)));
    }

    function _sendEther(Withdrawal memory w) internal returns (bytes32) {
        _setEther(w.subaccount, etherOf[w.subaccount] - w.amount);
        totalEtherWei -= w.amount;
        return IMessagePasser(MESSAGE_PASSER).sendMessage{value: w.amount}(w.recipient, ETHER_MESSAGE_GAS, "");
    }

    /// @dev What may leave in an hour and in a day: cash in WAD, ether in wei.
    function _limits(Asset asset) internal view returns (uint256 hourly, uint256 daily) {
        // Settings that were never made count as the least there may be.
        uint256 hourlyPips = _max(_settings.hourlyPips, CollateralBounds.MIN_HOURLY_PIPS);
        uint256 dailyPips = _max(_settings.dailyPips, CollateralBounds.MIN_DAILY_PIPS);
        if (asset == Asset.ETHER) {
            uint256 base = _max(totalEtherWei, _settings.etherCapWei);
            return (Quantum.pipsUp(base, hourlyPips), Quantum.pipsUp(base, dailyPips));
        }
        uint256 held = uint256(-_cashOf(VAULT));
        hourly = _max(_settings.hourlyFloorWad, Quantum.pipsUp(held, hourlyPips));
        daily = _max(_settings.dailyFloorWad, Quantum.pipsUp(held, dailyPips));
    }

    /* INTERNAL: what may leave */

    function _requireMayLeave(SubaccountId id, Asset asset, uint128 amount) internal {
        if (asset == Asset.ETHER) return _requireEtherMayLeave(id, amount);
        int256 amountWad = int256(amount * tokenUnitWad);
        // No more is promised than the gateway holds: profits of some are paid by others' cash.
        int256 freeWad = -_cashOf(VAULT) - _cashOf(PENDING);
        if (amountWad > freeWad) revert NotWithdrawable(freeWad);
        _requireCashMayLeave(id, amountWad);
    }

    function _requireCashMayLeave(SubaccountId id, int256 amountWad) internal {
        int256 limitWad = _refreshLegs(id) ? IRiskManager(RISK_MANAGER).withdrawableCashWad(id) : _cashOf(id);
        if (amountWad > limitWad) revert NotWithdrawable(limitWad);
    }

    function _requireEtherMayLeave(SubaccountId id, uint128 amountWei) internal {
        uint256 heldWei = etherOf[id];
        if (amountWei > heldWei) revert NotWithdrawable(int256(heldWei));
        if (!_refreshLegs(id) && _cashOf(id) >= 0) return;
        int256 lostWad = _initialValueWad(heldWei) - _initialValueWad(heldWei - amountWei);
        int256 limitWad = IRiskManager(RISK_MANAGER).withdrawableWad(id);
        // Zero may also mean that margin is missing: what counts for nothing then does not leave either.
        if (lostWad >= limitWad) revert NotWithdrawable(limitWad);
    }

    /// @dev Brings the marks behind a subaccount's margin up to date; returns whether it has positions.
    function _refreshLegs(SubaccountId id) internal returns (bool hasLegs) {
        (, Leg[] memory legs) = ILedger(LEDGER).portfolio(id);
        for (uint256 i = 0; i < legs.length; ++i) {
            IMarkets(MARKETS).refresh(legs[i].market);
        }
        return legs.length != 0;
    }

    function _initialValueWad(uint256 amountWei) internal view returns (int256) {
        IPriceOracle prices = IPriceOracle(PRICE_ORACLE);
        if (!prices.isFresh(_settings.etherFeed, PriceUse.INCREASE)) return 0;
        (uint256 priceWad,) = prices.latest(_settings.etherFeed);
        return _valueWad(amountWei, priceWad, _settings.etherInitialHaircutPips);
    }

    /// @dev ⌊min(amount, cap) · price · (1 − haircut)⌋, with one division.
    function _valueWad(uint256 amountWei, uint256 priceWad, uint256 haircutPips) internal view returns (int256) {
        uint256 counted = _min(amountWei, _settings.etherCapWei);
        return int256(Quantum.mulDivDown(counted * priceWad, PIPS - haircutPips, uint256(WAD) * PIPS));
    }

    /* INTERNAL: the ledger */

    function _move(SubaccountId from, SubaccountId to, uint256 amountWad, CashReason reason) internal {
        ILedger(LEDGER).move(from, to, int256(amountWad), reason);
    }

    function _setEther(SubaccountId id, uint256 amountWei) internal {
        etherOf[id] = amountWei;
        emit EtherChanged(id, amountWei);
    }

    function _ownerOf(SubaccountId id) internal view returns (address owner) {
        (owner,,) = ILedger(LEDGER).subaccount(id);
    }

    function _cashOf(SubaccountId id) internal view returns (int256 cashWad) {
        (,, cashWad) = ILedger(LEDGER).subaccount(id);
    }

    function _requireOwner(SubaccountId id) internal view {
        if (_ownerOf(id) != msg.sender) revert NotOwner();
    }

    function _aliasOf(address account) internal pure returns (address) {
        unchecked {
            // Wraps at 160 bits by definition.
            return address(uint160(account) + uint160(ALIAS_OFFSET));
        }
    }

    function _max(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
