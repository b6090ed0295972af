// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../src/interfaces/settlement/IPriceOracle.sol";
import {Markets} from "../../src/l2/settlement/Markets.sol";
import {PriceOracle} from "../../src/l2/settlement/PriceOracle.sol";
import {MARKETS, PRICE_ORACLE, RISK_GOVERNOR} from "../../src/libraries/Constants.sol";
import {FeedId, MarketId, MarketKind} from "../../src/types/Settlement.sol";

/// @notice A price oracle with four signers, three of whom make a price, and markets on it.
abstract contract PriceWorld is Test {
    IPriceOracle internal constant ORACLE = IPriceOracle(PRICE_ORACLE);
    IMarkets internal constant MARKETS_ = IMarkets(MARKETS);
    FeedId internal constant FEED = FeedId.wrap(7);
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant N = 4;

    /// @dev In the order of their addresses.
    uint256[N] internal keys;
    address[] internal signers;
    address internal reporter = makeAddr("reporter");

    function setUpPrices() internal {
        vm.warp(START);
        vm.etch(PRICE_ORACLE, address(new PriceOracle()).code);
        vm.etch(MARKETS, address(new Markets()).code);
        for (uint256 i = 0; i < N; ++i) {
            keys[i] = uint256(keccak256(abi.encode("signer", i)));
        }
        sortKeys();
        for (uint256 i = 0; i < N; ++i) {
            signers.push(vm.addr(keys[i]));
        }
        setFeed(FEED, defaultFeed());
        vm.prank(RISK_GOVERNOR);
        MARKETS_.setReporter(reporter);
    }

    /* SETTINGS */

    function defaultFeed() internal pure returns (IPriceOracle.Feed memory) {
        return IPriceOracle.Feed({quorum: 3, maxJumpPips: 100_000, maxAgeS: [uint32(15), 30, 120]});
    }

    function setFeed(FeedId feed, IPriceOracle.Feed memory setting) internal {
        vm.prank(RISK_GOVERNOR);
        ORACLE.setFeed(feed, setting, signers);
    }

    function perpetual() internal pure returns (IMarkets.Terms memory) {
        return IMarkets.Terms({feed: FEED, kind: MarketKind.PERPETUAL, expiry: 0, tickWad: 0.01e18, lotWad: 0.001e18});
    }

    function future(uint256 expiry) internal pure returns (IMarkets.Terms memory terms) {
        terms = perpetual();
        (terms.kind, terms.expiry) = (MarketKind.FUTURE, uint64(expiry));
    }

    function defaultLimits() internal pure returns (IMarkets.Limits memory) {
        return IMarkets.Limits({
            initialPips: 50_000,
            sizeMarginPips: 1000,
            maintenancePips: 600_000,
            volatilityPips: 1_000_000,
            markBandPips: 30_000,
            takerFeePips: 500,
            makerFeePips: 100,
            openInterestLowWad: 1000e18,
            openInterestHighWad: 5000e18,
            openInterestCapWad: 10_000e18,
            positionCapWad: 2000e18,
            depthCapWad: 5_000_000e18,
            depthFloorWad: 100_000e18,
            minNotionalWad: 50e18
        });
    }

    function list(IMarkets.Terms memory terms) internal returns (MarketId) {
        vm.prank(RISK_GOVERNOR);
        return MARKETS_.list(terms, defaultLimits());
    }

    /* OBSERVATIONS */

    function sign(uint256 key, FeedId feed, uint256 priceWad, uint256 timestamp)
        internal
        view
        returns (IPriceOracle.Observation memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digestOf(feed, priceWad, timestamp));
        return IPriceOracle.Observation(priceWad, uint64(timestamp), abi.encodePacked(r, s, v));
    }

    /// @dev Written out once more, so that the contract is not compared with itself.
    function digestOf(FeedId feed, uint256 priceWad, uint256 timestamp) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("PriceOracle"),
                keccak256("1"),
                block.chainid,
                PRICE_ORACLE
            )
        );
        bytes32 content = keccak256(
            abi.encode(
                keccak256("Observation(uint32 feed,uint256 priceWad,uint64 timestamp)"), feed, priceWad, timestamp
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, content));
    }

    /// @dev The first `count` signers agree.
    function agree(uint256 count, uint256 priceWad, uint256 timestamp)
        internal
        view
        returns (IPriceOracle.Observation[] memory observations)
    {
        observations = new IPriceOracle.Observation[](count);
        for (uint256 i = 0; i < count; ++i) {
            observations[i] = sign(keys[i], FEED, priceWad, timestamp);
        }
    }

    /// @dev Three signers of the four.
    function push(uint256 priceWad) internal {
        ORACLE.push(FEED, agree(3, priceWad, block.timestamp));
    }

    /// @dev All four: no jump is too large.
    function pushAll(uint256 priceWad) internal {
        ORACLE.push(FEED, agree(4, priceWad, block.timestamp));
    }

    /// @dev Prices every `stepS` seconds until `until`, one there included.
    function pushUntil(uint256 priceWad, uint256 until, uint256 stepS) internal {
        while (block.timestamp < until) {
            uint256 next = block.timestamp + stepS;
            vm.warp(next < until ? next : until);
            push(priceWad);
        }
    }

    function sortKeys() private {
        for (uint256 i = 1; i < N; ++i) {
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
    }
}
