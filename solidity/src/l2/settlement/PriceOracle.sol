// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../interfaces/settlement/IPriceOracle.sol";
import {RISK_GOVERNOR} from "../../libraries/Constants.sol";
import {Observations} from "../../libraries/settlement/Observations.sol";
import {OracleBounds} from "../../libraries/settlement/OracleBounds.sol";
import {OraclePrices} from "../../libraries/settlement/OraclePrices.sol";
import {FeedId, PriceUse} from "../../types/Settlement.sol";

/// @title The price oracle (L2)
/// @notice See IPriceOracle. Predeploy: genesis writes its code; there is no constructor.
contract PriceOracle is IPriceOracle {
    /* TYPES */

    /// @dev What every use of a price reads: one slot. A quorum of zero: no such feed.
    struct Head {
        uint96 priceWad;
        uint40 timestamp;
        uint8 quorum;
        uint8 nSigners;
        uint24 maxJumpPips;
        uint24 increaseAgeS;
        uint24 liquidateAgeS;
        uint24 reduceAgeS;
    }

    /// @dev Averages as of the last price: one slot.
    /// @param integral Price × seconds of the half hour so far, in WAD × seconds.
    /// @param maxGapS Longest time without a price within the half hour.
    struct Averages {
        uint96 averageWad;
        uint112 integral;
        uint16 nPrices;
        uint32 maxGapS;
    }

    /* CONSTANTS */

    /// @dev Ten to the ninth units of cash; keeps every product of prices and sizes within a word.
    uint256 internal constant MAX_PRICE_WAD = 1e27;

    /// @dev Half hours that are looked through for a settlement price before one is expected of the running one: a day.
    uint256 internal constant EXPECTED_WINDOWS = 48;

    /* STORAGE */

    mapping(FeedId feed => Head) internal _heads;
    mapping(FeedId feed => Averages) internal _averages;

    /// @dev The average of each half hour that counts, by its end.
    mapping(FeedId feed => mapping(uint256 end => uint256 averageWad)) internal _windows;
    mapping(FeedId feed => address[]) internal _signers;
    mapping(FeedId feed => mapping(address signer => bool)) internal _isSigner;

    /* PRICES */

    /// @inheritdoc IPriceOracle
    function push(FeedId feedId, Observation[] calldata observations) external {
        Head memory head = _heads[feedId];
        if (head.quorum == 0) revert UnknownFeed(feedId);
        if (observations.length < head.quorum) revert TooFewObservations(observations.length, head.quorum);
        (uint256 price, uint64 time) = _median(feedId, observations);
        if (time <= head.timestamp) revert NotNewer(time, head.timestamp);
        if (price == 0) revert ZeroPrice();
        if (head.timestamp == 0) {
            // As if it had stood from the beginning of the half hour, which does not count.
            uint256 integral = price * (time % OraclePrices.WINDOW_S);
            _averages[feedId] = Averages({
                averageWad: uint96(price), integral: uint112(integral), nPrices: 1, maxGapS: type(uint32).max
            });
        } else {
            bool isWhole = observations.length == head.nSigners;
            if (!isWhole && OraclePrices.isJump(price, head.priceWad, head.maxJumpPips)) {
                revert Jump(price, head.priceWad);
            }
            _moveAverages(feedId, head, price, time);
        }
        (head.priceWad, head.timestamp) = (uint96(price), uint40(time));
        _heads[feedId] = head;
        emit PricePushed(feedId, price, time, observations.length);
    }

    /* VIEWS */

    /// @inheritdoc IPriceOracle
    function latest(FeedId feedId) external view returns (uint256 priceWad, uint64 timestamp) {
        Head storage head = _heads[feedId];
        return (head.priceWad, head.timestamp);
    }

    /// @inheritdoc IPriceOracle
    function reading(FeedId feedId)
        external
        view
        returns (uint256 priceWad, uint64 timestamp, uint32[3] memory maxAgeS)
    {
        Head memory head = _heads[feedId];
        return (head.priceWad, head.timestamp, _ages(head));
    }

    /// @inheritdoc IPriceOracle
    function fresh(FeedId feedId, PriceUse use) external view returns (uint256 priceWad) {
        Head memory head = _heads[feedId];
        if (!_isFresh(head, use)) revert StalePrice(feedId, head.timestamp, _ages(head)[uint256(use)]);
        return head.priceWad;
    }

    /// @inheritdoc IPriceOracle
    function isFresh(FeedId feedId, PriceUse use) external view returns (bool) {
        return _isFresh(_heads[feedId], use);
    }

    /// @inheritdoc IPriceOracle
    function settlementPrice(FeedId feedId, uint64 at) external view returns (uint256 priceWad) {
        priceWad = _windows[feedId][at];
        if (priceWad == 0) revert NoSettlementPrice();
    }

    /// @inheritdoc IPriceOracle
    function firstSettlementPrice(FeedId feedId, uint64 from, uint256 nWindows)
        public
        view
        returns (uint256 priceWad, uint64 next)
    {
        uint256 last = _heads[feedId].timestamp;
        next = from;
        for (; nWindows != 0 && next <= last; --nWindows) {
            priceWad = _windows[feedId][next];
            if (priceWad != 0) break;
            next += uint64(OraclePrices.WINDOW_S);
        }
    }

    /// @inheritdoc IPriceOracle
    function expectedSettlementPrice(FeedId feedId, uint64 from) external view returns (uint256 priceWad) {
        (priceWad,) = firstSettlementPrice(feedId, from, EXPECTED_WINDOWS);
        if (priceWad != 0) return priceWad;
        Head memory head = _heads[feedId];
        uint256 left = OraclePrices.windowEnd(head.timestamp) - head.timestamp;
        return OraclePrices.windowMean(_averages[feedId].integral + head.priceWad * left);
    }

    /// @inheritdoc IPriceOracle
    function averageWad(FeedId feedId) external view returns (uint256) {
        return _averages[feedId].averageWad;
    }

    /// @inheritdoc IPriceOracle
    function feed(FeedId feedId) external view returns (Feed memory setting, address[] memory signers) {
        Head memory head = _heads[feedId];
        if (head.quorum == 0) revert UnknownFeed(feedId);
        return (Feed({quorum: head.quorum, maxJumpPips: head.maxJumpPips, maxAgeS: _ages(head)}), _signers[feedId]);
    }

    /* GOVERNANCE */

    /// @inheritdoc IPriceOracle
    function setFeed(FeedId feedId, Feed calldata setting, address[] calldata signers) external {
        if (msg.sender != RISK_GOVERNOR) revert NotGovernor();
        OracleBounds.check(setting, signers.length);
        _setSigners(feedId, signers);
        Head memory head = _heads[feedId];
        head.quorum = setting.quorum;
        head.nSigners = uint8(signers.length);
        head.maxJumpPips = uint24(setting.maxJumpPips);
        head.increaseAgeS = uint24(setting.maxAgeS[uint256(PriceUse.INCREASE)]);
        head.liquidateAgeS = uint24(setting.maxAgeS[uint256(PriceUse.LIQUIDATE)]);
        head.reduceAgeS = uint24(setting.maxAgeS[uint256(PriceUse.REDUCE)]);
        _heads[feedId] = head;
        emit FeedChanged(feedId, setting, signers);
    }

    /* PRIVATE */

    /// @dev The price that observations make, and the oldest time among them.
    function _median(FeedId feedId, Observation[] calldata observations)
        private
        view
        returns (uint256 priceWad, uint64 oldest)
    {
        bytes32 domain = Observations.domainSeparator(address(this));
        uint256[] memory prices = new uint256[](observations.length);
        address previous = address(0);
        oldest = type(uint64).max;
        for (uint256 i = 0; i < prices.length; ++i) {
            Observation calldata seen = observations[i];
            if (seen.timestamp > block.timestamp) revert FromTheFuture(seen.timestamp);
            if (seen.priceWad == 0) revert ZeroPrice();
            if (seen.priceWad > MAX_PRICE_WAD) revert PriceTooHigh(seen.priceWad);
            bytes32 digest = Observations.digest(domain, feedId, seen.priceWad, seen.timestamp);
            address signer = Observations.signer(digest, seen.signature);
            if (!_isSigner[feedId][signer]) revert NotSigner(signer);
            if (signer <= previous) revert SignersNotSorted();
            previous = signer;
            if (seen.timestamp < oldest) oldest = seen.timestamp;
            OraclePrices.insert(prices, i, seen.priceWad);
        }
        priceWad = OraclePrices.medianDown(prices);
    }

    /// @dev Let the last price stand until `time`; refuse the new one if it breaks out of the average.
    function _moveAverages(FeedId feedId, Head memory head, uint256 price, uint256 time) private {
        Averages memory averages = _averages[feedId];
        uint256 gap = time - head.timestamp;
        uint256 average = OraclePrices.movedAverage(averages.averageWad, head.priceWad, gap);
        if (gap < OraclePrices.AVERAGE_S && OraclePrices.breaks(price, average)) revert Breaker(price, average);
        averages.averageWad = uint96(average);
        uint256 from = head.timestamp;
        uint256 end = OraclePrices.windowEnd(from);
        if (time >= end) {
            _stand(averages, head.priceWad, end - from);
            _closeWindow(feedId, averages, end);
            (averages.integral, averages.nPrices, averages.maxGapS) = (0, 0, 0);
            from = OraclePrices.windowEnd(time) - OraclePrices.WINDOW_S;
        }
        _stand(averages, head.priceWad, time - from);
        averages.nPrices += 1;
        _averages[feedId] = averages;
    }

    /// @dev Lets a price stand for some seconds of one half hour.
    function _stand(Averages memory averages, uint256 price, uint256 elapsedS) private pure {
        averages.integral += uint112(price * elapsedS);
        if (averages.maxGapS < elapsedS) averages.maxGapS = uint32(elapsedS);
    }

    function _closeWindow(FeedId feedId, Averages memory averages, uint256 end) private {
        uint256 average = OraclePrices.windowAverage(averages.integral, averages.nPrices, averages.maxGapS);
        if (average != 0) _windows[feedId][end] = average;
        emit WindowClosed(feedId, uint64(end), average, averages.nPrices, averages.maxGapS);
    }

    function _setSigners(FeedId feedId, address[] calldata signers) private {
        address[] storage old = _signers[feedId];
        for (uint256 i = 0; i < old.length; ++i) {
            delete _isSigner[feedId][old[i]];
        }
        address previous = address(0);
        for (uint256 i = 0; i < signers.length; ++i) {
            if (signers[i] <= previous) revert SignersNotSorted();
            previous = signers[i];
            _isSigner[feedId][previous] = true;
        }
        _signers[feedId] = signers;
    }

    /// @dev A price whose age equals the greatest one is still fresh.
    function _isFresh(Head memory head, PriceUse use) private view returns (bool) {
        return head.timestamp != 0 && block.timestamp <= head.timestamp + _ages(head)[uint256(use)];
    }

    function _ages(Head memory head) private pure returns (uint32[3] memory) {
        return [uint32(head.increaseAgeS), head.liquidateAgeS, head.reduceAgeS];
    }
}
