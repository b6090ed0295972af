// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "../../libraries/Rlp.sol";

/// @notice Addresses of contracts to be. Source: Ethereum Yellow Paper §7, EIP-1014.
library Addresses {
    /// @dev Address of the contract that `creator` creates with `nonce`.
    function create(address creator, uint256 nonce) internal pure returns (address) {
        bytes memory items = bytes.concat(hex"94", bytes20(creator), Rlp.encode(nonce));
        return _last20(keccak256(bytes.concat(Rlp.header(Rlp.LIST, items.length), items)));
    }

    /// @dev Address of the contract that `creator` creates with CREATE2.
    function create2(address creator, uint256 salt, bytes32 initcodeHash) internal pure returns (address) {
        return _last20(keccak256(abi.encodePacked(hex"ff", creator, salt, initcodeHash)));
    }

    function _last20(bytes32 digest) private pure returns (address) {
        return address(uint160(uint256(digest)));
    }
}
