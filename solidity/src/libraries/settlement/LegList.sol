// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId, Position} from "../../types/Settlement.sol";

/// @notice A margin account as the Ledger stores it. The first slot holds what most calls need, the first legs included.
struct Account {
    address owner;
    uint8 marginMode;
    uint8 nLegs;
    /// Two markets of 32 bits, the first in the lowest.
    uint64 firstLegs;
    int256 cashWad;
    /// Eight markets in a word.
    mapping(uint256 word => uint256) moreLegs;
    mapping(MarketId market => Position) positions;
}

/// @notice The markets in which an account holds a position, in no order, packed. Places beyond the last leg are zero.
library LegList {
    uint256 private constant LEG_BITS = 32;
    uint256 private constant LEG_MASK = type(uint32).max;
    uint256 private constant FIRST_LEGS = 2;
    uint256 private constant LEGS_PER_WORD = 8;

    /// @dev The market at `place`, which is below nLegs.
    function at(Account storage account, uint256 place) internal view returns (MarketId) {
        (uint256 word, uint256 shift) = _wordAt(account, place);
        return MarketId.wrap(uint32(word >> shift));
    }

    /// @dev Adds a market that is not in the list.
    function add(Account storage account, MarketId market) internal {
        uint256 place = account.nLegs;
        _put(account, place, market);
        account.nLegs = uint8(place + 1);
    }

    /// @dev Takes out a market that is in the list; the last one takes its place.
    function remove(Account storage account, MarketId market) internal {
        uint256 last = account.nLegs - 1;
        MarketId moved = at(account, last);
        _put(account, last, MarketId.wrap(0));
        account.nLegs = uint8(last);
        if (moved == market) return;
        uint256 place = 0;
        while (at(account, place) != market) ++place;
        _put(account, place, moved);
    }

    function _put(Account storage account, uint256 place, MarketId market) private {
        (uint256 word, uint256 shift) = _wordAt(account, place);
        word = word & ~(LEG_MASK << shift) | uint256(MarketId.unwrap(market)) << shift;
        if (place < FIRST_LEGS) account.firstLegs = uint64(word);
        else account.moreLegs[(place - FIRST_LEGS) / LEGS_PER_WORD] = word;
    }

    /// @dev The word that holds a place, and at which bit.
    function _wordAt(Account storage account, uint256 place) private view returns (uint256 word, uint256 shift) {
        if (place < FIRST_LEGS) return (account.firstLegs, place * LEG_BITS);
        place -= FIRST_LEGS;
        return (account.moreLegs[place / LEGS_PER_WORD], place % LEGS_PER_WORD * LEG_BITS);
    }
}
