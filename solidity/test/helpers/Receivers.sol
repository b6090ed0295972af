// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {Pair} from "../../src/types/Dispute.sol";

/// @notice Claims again while it is being paid.
contract GreedyReceiver {
    IDisputeGame internal immutable GAME;
    Pair internal _pair;
    bytes32[] internal _ids;

    /// @notice What the nested claims were paid.
    uint256 public again;
    bool public failed;

    constructor(IDisputeGame game) {
        GAME = game;
    }

    receive() external payable {
        try GAME.claim(_pair, _ids, address(this)) returns (uint256 amount) {
            again += amount;
        } catch {
            failed = true;
        }
    }

    function aim(Pair calldata pair, bytes32[] calldata ids) external {
        _pair = pair;
        _ids = ids;
    }
}
