// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../interfaces/IAssertionChain.sol";
import {IDisputeGame} from "../interfaces/IDisputeGame.sol";
import {IDisputeRegistry} from "../interfaces/IDisputeRegistry.sol";
import {Assertion, Status} from "../types/Assertion.sol";

/// @title A game that only records openings
/// @notice See IDisputeRegistry.
contract DisputeRegistry is IDisputeRegistry {
    /* IMMUTABLES */

    IAssertionChain public immutable CHAIN;
    uint256 public immutable CHALLENGE_PERIOD;

    /* STORAGE */

    /// @inheritdoc IDisputeGame
    mapping(bytes32 older => mapping(bytes32 newer => bool)) public isOpen;

    /* CONSTRUCTOR */

    constructor(address chain) {
        CHAIN = IAssertionChain(chain);
        CHALLENGE_PERIOD = IAssertionChain(chain).CHALLENGE_PERIOD();
    }

    /* DISPUTES */

    /// @inheritdoc IDisputeRegistry
    function open(bytes32 older, bytes32 newer) external {
        if (isOpen[older][newer]) revert AlreadyOpen(older, newer);
        Assertion memory s = CHAIN.assertion(older);
        Assertion memory j = CHAIN.assertion(newer);
        bool live = s.status == Status.LIVE && j.status == Status.LIVE;
        if (!live || s.parent != j.parent || s.seq >= j.seq) revert NotLiveSiblings(older, newer);
        uint256 closedAt = CHAIN.assertion(j.parent).t0 + CHALLENGE_PERIOD;
        if (block.timestamp >= closedAt) revert WindowClosed(closedAt);
        isOpen[older][newer] = true;
        emit Opened(older, newer, msg.sender);
    }
}
