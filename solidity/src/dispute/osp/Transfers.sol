// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account} from "../../libraries/AccountCodec.sol";
import {Leaf, Tape} from "./Tape.sol";
import {World} from "./World.sol";

/// @notice Wei that moves between accounts, one leaf at a time.
/// @dev Sums are modulo 2^256: one beyond it needs more ether than exists.
/// Twin: optimistic/protocol/stepper/transfers.py
library Transfers {
    /// @dev The state root after `value` went from an account, which has it, to another one. `leaf` and `payer` were
    /// opened at the present root. Asks: deletion of the payer, if nothing is left of it; receiver at the new root.
    function move(Tape memory tape, Leaf memory leaf, Account memory payer, address to, uint256 value)
        internal
        pure
        returns (bytes32)
    {
        unchecked {
            payer.balance -= value;
        }
        return credit(tape, World.writeAccount(tape, leaf, payer), to, value);
    }

    /// @dev The state root after adding `amount` wei; opens and writes one account.
    function credit(Tape memory tape, bytes32 root, address to, uint256 amount) internal pure returns (bytes32) {
        (Leaf memory leaf, Account memory account) = World.openAccount(tape, root, to);
        unchecked {
            account.balance += amount;
        }
        return World.writeAccount(tape, leaf, account);
    }

    /// @dev The state root after taking `amount` wei, which are there; opens and writes one account.
    function debit(Tape memory tape, bytes32 root, address from, uint256 amount) internal pure returns (bytes32) {
        (Leaf memory leaf, Account memory account) = World.openAccount(tape, root, from);
        unchecked {
            account.balance -= amount;
        }
        return World.writeAccount(tape, leaf, account);
    }
}
