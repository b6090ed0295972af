// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FeedId, PriceUse} from "../../types/Settlement.sol";

/// @title The price oracle (L2)
/// @notice Prices from N of M signers, pushed by anybody. EIP-712: domain ("PriceOracle", "1", chain id, this),
/// type Observation(uint32 feed,uint256 priceWad,uint64 timestamp).
interface IPriceOracle {
    /// @param signature 65 bytes r, s, v; low s.
    struct Observation {
        uint256 priceWad;
        uint64 timestamp;
        bytes signature;
    }

    /// @notice Governance's setting of a feed; bounds in code (library OracleBounds).
    /// @param maxJumpPips A larger move from the last price needs all signers.
    /// @param maxAgeS Greatest age in seconds by PriceUse (defaults 15, 30, 120).
    struct Feed {
        uint8 quorum;
        uint32 maxJumpPips;
        uint32[3] maxAgeS;
    }

    event FeedChanged(FeedId indexed feed, Feed setting, address[] signers);

    /// @notice A median was accepted.
    event PricePushed(FeedId indexed feed, uint256 priceWad, uint64 timestamp, uint256 nObservations);

    /// @notice A half hour is over; its average, or zero if it had too few prices or too long a gap.
    event WindowClosed(FeedId indexed feed, uint64 end, uint256 averageWad, uint256 nPrices, uint256 maxGapS);

    error UnknownFeed(FeedId feed);
    error StalePrice(FeedId feed, uint64 timestamp, uint256 maxAgeS);
    error TooFewObservations(uint256 count, uint256 quorum);
    error NotSigner(address recovered);
    error InvalidSignature();
    error SignersNotSorted();
    error FromTheFuture(uint64 timestamp);
    error NotNewer(uint64 timestamp, uint64 last);
    error ZeroPrice();
    error PriceTooHigh(uint256 priceWad);
    error Jump(uint256 priceWad, uint256 lastWad);
    error Breaker(uint256 priceWad, uint256 averageWad);
    error NoSettlementPrice();
    error OutOfBounds(bytes32 parameter);
    error NotGovernor();

    /// @notice Accept observations sorted by signer; the price is their lower median, rounded down to QUANTUM_WAD; the
    /// time is the oldest of them and must be later than the last one's. A move of more than `maxJumpPips` needs the
    /// observations of all signers; one of more than half of the five-minute average is refused until five minutes have
    /// passed without a price.
    function push(FeedId feed, Observation[] calldata observations) external;

    /// @notice The last price; zero if there was none. Never reverts for age.
    function latest(FeedId feed) external view returns (uint256 priceWad, uint64 timestamp);

    /// @notice The last price and how old it may be for each use, in one read; zeros for an unknown feed.
    function reading(FeedId feed) external view returns (uint256 priceWad, uint64 timestamp, uint32[3] memory maxAgeS);

    /// @notice The last price if it is fresh enough for a use: not older than the greatest age, which itself is allowed.
    function fresh(FeedId feed, PriceUse use) external view returns (uint256 priceWad);
    function isFresh(FeedId feed, PriceUse use) external view returns (bool);

    /// @notice Time average of the half hour before `at`, rounded down to the quantum. Half hours begin at multiples of
    /// 1,800 s; they count if they had thirty prices and no gap above 180 s.
    function settlementPrice(FeedId feed, uint64 at) external view returns (uint256 priceWad);

    /// @notice The average of the first half hour that counts, ending at `from` or later; zero if none of the `nWindows`
    /// first ones does.
    /// @return priceWad That average.
    /// @return next The end of the first half hour that may still count.
    function firstSettlementPrice(FeedId feed, uint64 from, uint256 nWindows)
        external
        view
        returns (uint256 priceWad, uint64 next);

    /// @notice What a settlement price from `from` on would be if the last price stood: the average of the first half hour
    /// that counts among the 48 first ones and otherwise that of the half hour of the last price, rounded down to
    /// QUANTUM_WAD. It is the last price when its half hour begins.
    function expectedSettlementPrice(FeedId feed, uint64 from) external view returns (uint256 priceWad);

    /// @notice The average that the breaker compares with, as of the last price.
    function averageWad(FeedId feed) external view returns (uint256);

    function feed(FeedId feed) external view returns (Feed memory setting, address[] memory signers);

    /// @notice RiskGovernor only.
    function setFeed(FeedId feed, Feed calldata setting, address[] calldata signers) external;
}
