// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../interfaces/settlement/IPriceOracle.sol";
import {FeedId} from "../../types/Settlement.sol";

/// @notice What signers of prices sign (EIP-712), and who signed. Twin: optimistic/protocol/settlement/oracle.py.
library Observations {
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant OBSERVATION_TYPEHASH =
        keccak256("Observation(uint32 feed,uint256 priceWad,uint64 timestamp)");
    bytes32 internal constant NAME_HASH = keccak256("PriceOracle");
    bytes32 internal constant VERSION_HASH = keccak256("1");

    /// @dev Half of the order of secp256k1: of the two signatures with the same x only the one with the lower s counts.
    uint256 internal constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    function domainSeparator(address oracle) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, oracle));
    }

    function digest(bytes32 domain, FeedId feed, uint256 priceWad, uint64 timestamp) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(OBSERVATION_TYPEHASH, feed, priceWad, timestamp));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    /// @dev The address that signed; reverts unless the signature is r, s, v with a low s and v 27 or 28, and of somebody.
    function signer(bytes32 hash, bytes calldata signature) internal pure returns (address recovered) {
        if (signature.length != 65) revert IPriceOracle.InvalidSignature();
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(signature[:32]), bytes32(signature[32:64]), uint8(signature[64]));
        if (uint256(s) > MAX_S) revert IPriceOracle.InvalidSignature();
        recovered = ecrecover(hash, v, r, s);
        if (recovered == address(0)) revert IPriceOracle.InvalidSignature();
    }
}
