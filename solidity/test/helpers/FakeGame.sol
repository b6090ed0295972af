// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {IOpenings} from "../../src/interfaces/IOpenings.sol";

/// @notice A game that does what the test says.
contract FakeGame is IOpenings {
    mapping(bytes32 => mapping(bytes32 => bool)) public isOpen;
    bool public refusesEther;

    receive() external payable {
        require(!refusesEther);
    }

    function setOpen(bytes32 older, bytes32 newer) external {
        isOpen[older][newer] = true;
    }

    function refuseEther() external {
        refusesEther = true;
    }

    function kill(IAssertionChain chain, bytes32 loser, bytes32 winner) external returns (bool, uint256) {
        return chain.kill(loser, winner);
    }

    function seize(IAssertionChain chain, bytes32 id, address staker) external returns (uint256) {
        return chain.seize(id, staker);
    }
}
