// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {FEE_VAULT, MESSAGE_PASSER} from "../../src/libraries/Constants.sol";
import {Message} from "../../src/types/Message.sol";
import {Unit} from "../../src/types/Unit.sol";
import {Rollup} from "./Rollup.sol";
import {TrieBuilder} from "./TrieBuilder.sol";

/// @notice Messages sent on an invented L2, with proofs against a confirmed assertion.
abstract contract Withdrawals is Rollup {
    struct Proven {
        Message message;
        bytes32 assertionId;
        Unit unit;
        bytes[] accountProof;
        bytes[] storageProof;
    }

    uint256 internal constant ACCOUNT_BRANCHES = 1;
    uint256 internal constant STORAGE_BRANCHES = 1;

    function endLeafOf(Unit calldata unit) external pure returns (bytes32) {
        return unit.idleLeaf();
    }

    function message(uint256 nonce, address target, uint256 value) internal view returns (Message memory) {
        return Message({nonce: nonce, sender: alice, target: target, value: value, gasLimit: 50_000, data: ""});
    }

    /// @dev A state in which `m` was sent, confirmed.
    function prove(Message memory m) internal returns (Proven memory proven) {
        proven = unconfirmed(m, hex"01", MESSAGE_PASSER);
        proven.assertionId = confirmed(this.endLeafOf(proven.unit));
    }

    /// @dev A state in which the slot of `m` holds `flag` in the account `passer`.
    function unconfirmed(Message memory m, bytes memory flag, address passer)
        internal
        view
        returns (Proven memory proven)
    {
        proven.message = m;
        bytes32 key = bridge.withdrawalKey(m);
        bytes32 slot = keccak256(abi.encode(keccak256(abi.encode(key, uint256(0)))));
        bytes32 storageRoot;
        (storageRoot, proven.storageProof) = TrieBuilder.prove(slot, flag, STORAGE_BRANCHES);
        (proven.unit.stateRoot, proven.accountProof) =
            TrieBuilder.prove(keccak256(abi.encodePacked(passer)), TrieBuilder.account(storageRoot), ACCOUNT_BRANCHES);
        proven.unit.chainId = L2_CHAIN_ID;
        proven.unit.coinbase = FEE_VAULT;
        proven.unit.number = 1234;
        proven.unit.gasLimit = 30_000_000;
        proven.unit.blockHashRing = keccak256("ring");
        proven.unit.parentHash = keccak256("parent");
        proven.unit.receiptsAcc = keccak256("receipts");
    }

    function finalize(Proven memory p) internal {
        bridge.finalizeWithdrawal(p.message, p.assertionId, p.unit, p.accountProof, p.storageProof);
    }

    function expectFinalized(Message memory m) internal {
        bytes32 key = bridge.withdrawalKey(m);
        vm.expectEmit(address(bridge));
        emit IBridge.WithdrawalFinalized(key, m.target, m.value);
    }
}
