// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {ICollateral} from "../../src/interfaces/settlement/ICollateral.sol";
import {ILedger} from "../../src/interfaces/settlement/ILedger.sol";
import {CLEARING, COLLATERAL, LEDGER, LIQUIDATOR, MARKETS} from "../../src/libraries/Constants.sol";
import {
    BAD_DEBT,
    CashReason,
    INSURANCE,
    LegChange,
    MarketId,
    SubaccountChange,
    SubaccountId
} from "../../src/types/Settlement.sol";
import {CollateralWorld} from "../helpers/CollateralWorld.sol";

/// @notice Traders, modules and users that do what they may, in any order. Keeps what the events say of the ledger.
contract SettlementHandler is CollateralWorld {
    uint64 public constant USERS = 6;
    uint32 public constant N_MARKETS = 4;

    /// @notice Settlement index of each market now; a closed one keeps its last.
    mapping(MarketId market => int256) public indexWad;
    mapping(MarketId market => bool) public isClosed;

    /// @notice Token units that came in and went out.
    uint256 public tokensIn;
    uint256 public tokensOut;

    /* What the events say. */
    mapping(SubaccountId id => address) public owners;
    mapping(SubaccountId id => int256) public cash;
    mapping(SubaccountId id => mapping(MarketId market => int256)) public sizes;
    mapping(SubaccountId id => mapping(MarketId market => int256)) public indices;
    mapping(MarketId market => int256) public openInterest;
    mapping(SubaccountId id => uint256) public ethers;

    uint256[] internal _requests;

    modifier replayed() {
        vm.recordLogs();
        _;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            _replay(logs[i]);
        }
    }

    /// @dev Six users with cash and ether.
    function start() external replayed {
        for (uint64 i = 0; i < USERS; ++i) {
            credit(_owner(i), NEW, 1e12);
            tokensIn += 1e12;
            vm.deal(_owner(i), 50 ether);
            vm.prank(_owner(i));
            VAULTS.depositEther{value: 20 ether}(user(i));
        }
        for (uint32 i = 1; i <= N_MARKETS; ++i) {
            indexWad[MarketId.wrap(i)] = int256(uint256(i)) * 1000e18;
        }
        RISK.set(type(int256).max, type(int256).max, false);
    }

    /* TRADING */

    function moveIndex(uint256 seed, int256 quanta) external {
        MarketId market = _market(seed);
        if (!isClosed[market]) indexWad[market] += bound(quanta, -1e14, 1e14) * 1e6;
    }

    /// @dev A batch of three traders in two markets, with fees.
    function tradeMany(uint256 seed, int256[4] calldata lots, int256[4] calldata cashSeeds, uint64 fee)
        external
        replayed
    {
        MarketId[2] memory markets = [_market(seed), _market(seed >> 8)];
        SubaccountChange[] memory changes = new SubaccountChange[](3);
        int256 paid;
        int256[2] memory net;
        for (uint256 i = 0; i < 3; ++i) {
            LegChange[] memory legs = new LegChange[](2);
            for (uint256 j = 0; j < 2; ++j) {
                int256 size = i < 2 ? bound(lots[2 * i + j], -1e9, 1e9) * 1e12 : -net[j];
                net[j] += size;
                legs[j] = LegChange(markets[j], size, indexWad[markets[j]]);
            }
            int256 delta = i < 2 ? bound(cashSeeds[i], -1e24, 1e24) : -paid - int256(uint256(fee));
            paid += delta;
            changes[i] = SubaccountChange(_user(seed >> (16 + 8 * i)), delta, legs);
        }
        settleAs(CLEARING, changes);
    }

    function settleOne(uint256 seed) external replayed {
        MarketId market = _market(seed);
        settleAs(MARKETS, only(change(_user(seed >> 8), 0, market, 0, indexWad[market])));
    }

    function closeOne(uint256 seed) external replayed {
        MarketId market = MarketId.wrap(N_MARKETS);
        SubaccountId[] memory ids = new SubaccountId[](2);
        (ids[0], ids[1]) = (_user(seed), _user(seed >> 8));
        isClosed[market] = true;
        vm.startPrank(MARKETS);
        BOOKS.enter();
        BOOKS.closeExpired(market, ids, indexWad[market]);
        BOOKS.leave();
        vm.stopPrank();
    }

    function penalize(uint256 seed, uint64 amount) external replayed {
        moveAs(LIQUIDATOR, _user(seed), INSURANCE, int256(uint256(amount)), CashReason.LIQUIDATION_PENALTY);
    }

    function coverLoss(uint256 seed, uint64 amount) external replayed {
        moveAs(LIQUIDATOR, BAD_DEBT, _user(seed), int256(uint256(amount)), CashReason.BAD_DEBT);
    }

    /* IN AND OUT */

    function depositToken(uint256 seed, uint64 amount, uint64 number) external replayed {
        credit(_owner(seed), SubaccountId.wrap(number % 32), amount);
        tokensIn += amount;
    }

    function requestCash(uint256 seed, uint128 amount) external replayed {
        amount = uint128(bound(amount, 1, 1e13));
        _requests.push(request(_owner(seed), _user(seed), CASH, amount));
    }

    function requestEther(uint256 seed, uint128 amount) external replayed {
        uint256 held = VAULTS.etherOf(_user(seed));
        if (held != 0) _requests.push(request(_owner(seed), _user(seed), ETHER, uint128(bound(amount, 1, held))));
    }

    function release(uint256 seed) external replayed {
        if (_requests.length == 0) return;
        ICollateral.Withdrawal memory w = VAULTS.withdrawal(_requests[seed % _requests.length]);
        VAULTS.release(_requests[seed % _requests.length]);
        if (w.asset == CASH) tokensOut += w.amount;
    }

    function cancel(uint256 seed) external replayed {
        if (_requests.length == 0) return;
        uint256 number = _requests[seed % _requests.length];
        vm.prank(owners[VAULTS.withdrawal(number).subaccount]);
        VAULTS.cancel(number);
    }

    function liquidate(uint256 seed) external replayed {
        cancelAll(_user(seed));
        if (seed % 5 == 0) seize(_user(seed));
    }

    function transfer(uint256 seed, uint64 amount) external replayed {
        vm.prank(_owner(seed));
        VAULTS.transfer(_user(seed), _user(seed), int256(uint256(amount)));
    }

    function wait(uint16 time) external {
        later(time);
    }

    /* INTERNAL */

    function _replay(Vm.Log memory log) internal {
        bytes32 kind = log.topics[0];
        if (log.emitter != LEDGER && log.emitter != COLLATERAL) return;
        SubaccountId id = SubaccountId.wrap(uint64(uint256(log.topics.length > 1 ? log.topics[1] : bytes32(0))));
        if (kind == ILedger.SubaccountOpened.selector) {
            owners[id] = address(uint160(uint256(log.topics[2])));
        } else if (kind == ILedger.CashChanged.selector) {
            cash[id] = abi.decode(log.data, (int256));
        } else if (kind == ILedger.CashMoved.selector) {
            (int256 amount,) = abi.decode(log.data, (int256, CashReason));
            cash[id] -= amount;
            cash[SubaccountId.wrap(uint64(uint256(log.topics[2])))] += amount;
        } else if (kind == ILedger.PositionChanged.selector) {
            MarketId market = MarketId.wrap(uint32(uint256(log.topics[2])));
            (sizes[id][market], indices[id][market]) = abi.decode(log.data, (int256, int256));
        } else if (kind == ILedger.OpenInterestChanged.selector) {
            openInterest[MarketId.wrap(uint32(uint256(log.topics[1])))] = abi.decode(log.data, (int256));
        } else if (kind == ICollateral.EtherChanged.selector) {
            ethers[id] = abi.decode(log.data, (uint256));
        }
    }

    function _owner(uint256 seed) internal pure returns (address) {
        return address(uint160(0xA11CE0 + seed % USERS));
    }

    function _user(uint256 seed) internal pure returns (SubaccountId) {
        return user(seed % USERS);
    }

    function _market(uint256 seed) internal pure returns (MarketId) {
        return MarketId.wrap(uint32(1 + seed % N_MARKETS));
    }
}
