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

    /// @notice Governance's setting of a feed; bounds in code.
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

    error UnknownFeed(FeedId feed);
    error StalePrice(FeedId feed, uint64 timestamp, uint256 maxAgeS);
    error TooFewObservations(uint256 count, uint256 quorum);
    error NotSigner(address recovered);
    error SignersNotSorted();
    error FromTheFuture(uint64 timestamp);
    error NotNewer(uint64 timestamp, uint64 last);
    error ZeroPrice();
    error Jump(uint256 priceWad, uint256 lastWad);
    error TooOldToSettle(uint64 timestamp);
    error NoSettlementPrice();
    error OutOfBounds(bytes32 parameter);
    error NotGovernor();

    /// @notice Accept observations sorted by signer; the price is their lower median, rounded down to QUANTUM_WAD; the
    /// time is the oldest of them.
    function push(FeedId feed, Observation[] calldata observations) external;

    /// @notice The last price; zero if there was none. Never reverts for age.
    function latest(FeedId feed) external view returns (uint256 priceWad, uint64 timestamp);

    /// @notice The last price if it is fresh enough for a use.
    function fresh(FeedId feed, PriceUse use) external view returns (uint256 priceWad);
    function isFresh(FeedId feed, PriceUse use) external view returns (bool);

    /// @notice Time average of the 30 minutes before `at`, once there are enough observations; rounded to the quantum.
    function settlementPrice(FeedId feed, uint64 at) external view returns (uint256 priceWad);

    function feed(FeedId feed) external view returns (Feed memory setting, address[] memory signers);

    /// @notice RiskGovernor only.
    function setFeed(FeedId feed, Feed calldata setting, address[] calldata signers) external;
}
