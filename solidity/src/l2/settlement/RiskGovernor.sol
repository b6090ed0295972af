// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {IRiskGovernor} from "../../interfaces/settlement/IRiskGovernor.sol";
import {COLLATERAL, INSURANCE_FUND, MARKETS, PRICE_ORACLE} from "../../libraries/Constants.sol";
import {MarketId, MarketStatus} from "../../types/Settlement.sol";

/// @title The risk governor (L2)
/// @notice See IRiskGovernor. Predeploy: genesis writes its code, `owner` and `guardian`; there is no constructor.
contract RiskGovernor is IRiskGovernor {
    /* CONSTANTS */

    uint64 internal constant LONG_DELAY_S = 48 hours;
    uint64 internal constant SHORT_DELAY_S = 24 hours;

    /// @dev Calls agreed to long ago must not come into force in a world nobody thought of.
    uint64 internal constant EXECUTION_WINDOW_S = 14 days;

    uint64 internal constant TIGHTEN_S = 24 hours;
    uint64 internal constant COOLDOWN_S = 24 hours;

    /* STORAGE */

    /// @inheritdoc IRiskGovernor
    address public owner;
    /// @inheritdoc IRiskGovernor
    address public guardian;
    /// @inheritdoc IRiskGovernor
    bool public isSealed;
    /// @inheritdoc IRiskGovernor
    mapping(bytes32 id => uint64 time) public readyAt;

    /// @dev Until when the guardian's word counts; zero if it does not.
    mapping(MarketId market => uint64 time) internal _tightUntil;

    /// @dev From when the guardian may tighten again.
    mapping(MarketId market => uint64 time) internal _coolUntil;

    /* MODIFIERS */

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    modifier onlyItself() {
        if (msg.sender != address(this)) revert NotItself();
        _;
    }

    /* TIMELOCK */

    /// @inheritdoc IRiskGovernor
    function schedule(address target, bytes calldata data, bytes32 salt) external onlyOwner returns (bytes32 id) {
        uint64 ready = uint64(block.timestamp) + delayS(target);
        id = _id(target, data, salt);
        uint64 last = readyAt[id];
        if (last != 0 && block.timestamp <= last + EXECUTION_WINDOW_S) revert AlreadyScheduled(id);
        readyAt[id] = ready;
        emit Scheduled(id, target, data, ready);
    }

    /// @inheritdoc IRiskGovernor
    function execute(address target, bytes calldata data, bytes32 salt) external onlyOwner {
        bytes32 id = _id(target, data, salt);
        uint64 ready = readyAt[id];
        if (ready == 0) revert NotScheduled(id);
        if (block.timestamp < ready) revert NotReady(ready);
        if (block.timestamp > ready + EXECUTION_WINDOW_S) revert Expired(ready + EXECUTION_WINDOW_S);
        delete readyAt[id];
        emit Executed(id, target, data);
        _call(target, data);
    }

    /// @inheritdoc IRiskGovernor
    function cancel(address target, bytes calldata data, bytes32 salt) external {
        bool mayCancel = msg.sender == owner || (msg.sender == guardian && target != address(this));
        if (!mayCancel) revert NotOwner();
        bytes32 id = _id(target, data, salt);
        if (readyAt[id] == 0) revert NotScheduled(id);
        delete readyAt[id];
        emit Cancelled(id);
    }

    /// @inheritdoc IRiskGovernor
    function delayS(address target) public view returns (uint64) {
        if (target == PRICE_ORACLE || target == COLLATERAL || target == address(this)) return LONG_DELAY_S;
        if (target == MARKETS || target == INSURANCE_FUND) return SHORT_DELAY_S;
        revert NotATarget(target);
    }

    /* SET-UP */

    /// @inheritdoc IRiskGovernor
    function setUp(address target, bytes calldata data) external onlyOwner {
        if (isSealed) revert AlreadySealed();
        delayS(target); // reverts for what is no target
        _call(target, data);
    }

    /// @inheritdoc IRiskGovernor
    function seal() external onlyOwner {
        if (isSealed) revert AlreadySealed();
        isSealed = true;
        emit Sealed();
    }

    /* GUARDIAN */

    /// @inheritdoc IRiskGovernor
    function tighten(MarketId market) external {
        if (msg.sender != guardian) revert NotGuardian();
        if (block.timestamp < _coolUntil[market]) revert InCooldown(_coolUntil[market]);
        if (IMarkets(MARKETS).state(market).status != MarketStatus.OPEN) revert NotOpen(market);
        uint64 until = uint64(block.timestamp) + TIGHTEN_S;
        _tightUntil[market] = until;
        _coolUntil[market] = until + COOLDOWN_S;
        emit Tightened(market, until);
        IMarkets(MARKETS).setStatus(market, MarketStatus.REDUCE_ONLY);
    }

    /// @inheritdoc IRiskGovernor
    function loosen(MarketId market) external {
        uint64 until = _tightUntil[market];
        if (until == 0) revert NotTightened(market);
        if (block.timestamp < until && msg.sender != guardian) revert StillTightened(until);
        _tightUntil[market] = 0;
        emit Loosened(market);
        // Whoever changed the status since (governance, expiry) has the last word.
        if (IMarkets(MARKETS).state(market).status == MarketStatus.REDUCE_ONLY) {
            IMarkets(MARKETS).setStatus(market, MarketStatus.OPEN);
        }
    }

    /// @inheritdoc IRiskGovernor
    function isTightened(MarketId market) external view returns (bool) {
        return _tightUntil[market] != 0;
    }

    /* OFFICES */

    /// @inheritdoc IRiskGovernor
    function setGuardian(address guardian_) external onlyItself {
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }

    /// @inheritdoc IRiskGovernor
    function transferOwnership(address owner_) external onlyItself {
        owner = owner_;
        emit OwnerChanged(owner_);
    }

    /* CALLS */

    function _call(address target, bytes calldata data) private {
        if (target == MARKETS && bytes4(data) == IMarkets.setStatus.selector && data.length >= 36) {
            // Governance's own word about a market ends the guardian's.
            MarketId market = abi.decode(data[4:], (MarketId));
            if (_tightUntil[market] != 0) {
                _tightUntil[market] = 0;
                emit Loosened(market);
            }
        }
        (bool ok, bytes memory reason) = target.call(data);
        if (!ok) revert CallFailed(reason);
    }

    function _id(address target, bytes calldata data, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(target, data, salt));
    }
}
