// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInsuranceFund} from "../../interfaces/settlement/IInsuranceFund.sol";
import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {IRiskManager} from "../../interfaces/settlement/IRiskManager.sol";
import {LEDGER, LIQUIDATOR, MARKETS, RISK_GOVERNOR, RISK_MANAGER} from "../../libraries/Constants.sol";
import {Module} from "../../libraries/settlement/Module.sol";
import {BAD_DEBT, CashReason, INSURANCE, MarketId, SubaccountId} from "../../types/Settlement.sol";

/// @title The insurance fund (L2)
/// @notice See IInsuranceFund. Predeploy: genesis writes its code; there is no constructor.
/// @dev INV: the tranches sum to `totalWad`, which is the cash of the pot INSURANCE but for what its own positions gained
/// or lost since they were last reconciled.
contract InsuranceFund is IInsuranceFund, Module {
    /* CONSTANTS */

    ILedger internal constant _LEDGER = ILedger(LEDGER);

    /// @dev The tranche that stands behind all markets.
    MarketId internal constant GLOBAL = MarketId.wrap(0);

    /// @dev The global tranche pays at most half of itself per day, so that one bad day leaves something for the next.
    uint256 internal constant DAILY_DIVISOR = 2;

    /// @dev Positions of the fund are worth at most ten times what stands behind them.
    uint256 internal constant BACKSTOP_LEVERAGE = 10;

    /// @dev A billion.
    uint256 internal constant MAX_BACKSTOP_WAD = 1e27;

    /* STORAGE */

    /// @inheritdoc IInsuranceFund
    mapping(MarketId market => uint256 cashWad) public trancheWad;

    mapping(MarketId market => uint256 notionalWad) internal _backstopWad;

    /// @dev Sum of all tranches.
    uint256 internal _totalWad;

    /// @dev Day of the last payment of the global tranche, and what it may still pay on it.
    uint64 internal _day;
    uint192 internal _leftWad;

    /* MODIFIERS */

    modifier onlyLiquidator() {
        if (msg.sender != LIQUIDATOR) revert NotModule(msg.sender);
        _;
    }

    /* LIQUIDATOR */

    /// @inheritdoc IInsuranceFund
    function receivePenalty(MarketId market, SubaccountId from, uint256 amountWad) external onlyLiquidator {
        if (amountWad == 0) return;
        _add(market, amountWad);
        _LEDGER.move(from, INSURANCE, int256(amountWad), CashReason.LIQUIDATION_PENALTY);
    }

    /// @inheritdoc IInsuranceFund
    function cover(MarketId market, SubaccountId to, uint256 lossWad)
        external
        onlyLiquidator
        returns (uint256 paidWad)
    {
        if (market != GLOBAL) paidWad = _take(market, lossWad);
        paidWad += _takeGlobal(lossWad - paidWad);
        if (paidWad != 0) _LEDGER.move(INSURANCE, to, int256(paidWad), CashReason.INSURANCE_PAYMENT);
    }

    /// @inheritdoc IInsuranceFund
    function reconcile(MarketId market) external {
        if (msg.sender != LIQUIDATOR && msg.sender != MARKETS) revert NotModule(msg.sender);
        (,, int256 cashWad) = _LEDGER.subaccount(INSURANCE);
        int256 gainWad = cashWad - int256(_totalWad);
        if (gainWad >= 0) {
            if (gainWad != 0) _add(market, uint256(gainWad));
            return;
        }
        uint256 lossWad = uint256(-gainWad);
        lossWad -= _take(market, lossWad);
        lossWad -= _take(GLOBAL, lossWad);
        if (lossWad != 0) _LEDGER.move(BAD_DEBT, INSURANCE, int256(lossWad), CashReason.BAD_DEBT);
    }

    /* EVERYBODY */

    /// @inheritdoc IInsuranceFund
    function donate(MarketId market, SubaccountId from, uint256 amountWad) external exclusive {
        (address owner,,) = _LEDGER.subaccount(from);
        if (owner != msg.sender) revert NotOwner();
        int256 mostWad = IRiskManager(RISK_MANAGER).withdrawableCashWad(from);
        if (amountWad > uint256(mostWad)) revert NotWithdrawable(mostWad);
        _add(market, amountWad);
        _LEDGER.move(from, INSURANCE, int256(amountWad), CashReason.INSURANCE_PAYMENT);
    }

    /* GOVERNANCE */

    /// @inheritdoc IInsuranceFund
    function setBackstop(MarketId market, uint256 notionalWad) external {
        if (msg.sender != RISK_GOVERNOR) revert NotGovernor();
        if (notionalWad > MAX_BACKSTOP_WAD) revert OutOfBounds("backstopNotionalWad");
        _backstopWad[market] = notionalWad;
        emit CapsChanged(market, notionalWad);
    }

    /* VIEWS */

    /// @inheritdoc IInsuranceFund
    function backstopNotionalWad(MarketId market) external view returns (uint256) {
        uint256 allowedWad = _backstopWad[market];
        uint256 backedWad = BACKSTOP_LEVERAGE * (trancheWad[market] + trancheWad[GLOBAL]);
        return allowedWad < backedWad ? allowedWad : backedWad;
    }

    /* TRANCHES */

    function _add(MarketId market, uint256 amountWad) private {
        _totalWad += amountWad;
        _set(market, trancheWad[market] + amountWad);
    }

    /// @dev Takes what there is of `wantedWad`.
    function _take(MarketId market, uint256 wantedWad) private returns (uint256 takenWad) {
        uint256 heldWad = trancheWad[market];
        takenWad = wantedWad < heldWad ? wantedWad : heldWad;
        if (takenWad == 0) return 0;
        _totalWad -= takenWad;
        _set(market, heldWad - takenWad);
    }

    /// @dev The same of the global tranche, within what it may pay today.
    function _takeGlobal(uint256 wantedWad) private returns (uint256 takenWad) {
        if (wantedWad == 0) return 0;
        uint64 today = uint64(block.timestamp / 1 days);
        uint256 leftWad = today == _day ? _leftWad : trancheWad[GLOBAL] / DAILY_DIVISOR;
        takenWad = _take(GLOBAL, wantedWad < leftWad ? wantedWad : leftWad);
        // Less than the cash there is, which is far below 2^192.
        (_day, _leftWad) = (today, uint192(leftWad - takenWad));
        emit GlobalLeft(today, leftWad - takenWad);
    }

    function _set(MarketId market, uint256 amountWad) private {
        trancheWad[market] = amountWad;
        emit TrancheChanged(market, amountWad);
    }
}
