// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketId, SubaccountId} from "../../types/Settlement.sol";

/// @notice An order as EIP-712 hashes it: the type, then the fields.
struct OrderWords {
    bytes32 typeHash;
    SubaccountId subaccount;
    MarketId market;
    bool isBuy;
    uint256 sizeWad;
    uint256 priceWad;
    uint32 maxFeePips;
    uint64 expiry;
    uint64 nonce;
    uint8 flags;
}

/// @notice A tree of quotes as EIP-712 hashes it.
struct QuotesWords {
    bytes32 typeHash;
    SubaccountId subaccount;
    MarketId market;
    uint32 maxFeePips;
    uint64 expiry;
    uint64 nonce;
    bytes32 root;
}

/// @notice What traders sign, and who did. Twin: optimistic/protocol/settlement/{orders,quote_trees,signatures}.py.
/// @dev A struct in memory is the sequence of words that EIP-712 hashes, so nothing is copied and nothing allocated.
library OrderHash {
    bytes32 internal constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant ORDER_TYPE = keccak256(
        "Order(uint64 subaccount,uint32 market,bool isBuy,uint256 sizeWad,uint256 priceWad,uint32 maxFeePips,uint64 expiry,uint64 nonce,uint8 flags)"
    );
    bytes32 internal constant QUOTES_TYPE =
        keccak256("Quotes(uint64 subaccount,uint32 market,uint32 maxFeePips,uint64 expiry,uint64 nonce,bytes32 root)");
    bytes32 internal constant NAME = keccak256("Clearing");
    bytes32 internal constant VERSION = keccak256("1");

    /// @dev Half of the order of secp256k1; a higher s is a second signature of the same message.
    uint256 internal constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /* DIGESTS */

    function separator() internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPE, NAME, VERSION, block.chainid, address(this)));
    }

    function digest(OrderWords memory order, bytes32 domain) internal pure returns (bytes32) {
        bytes32 structHash;
        assembly ("memory-safe") {
            structHash := keccak256(order, 320)
        }
        return _digest(structHash, domain);
    }

    function digest(QuotesWords memory quotes, bytes32 domain) internal pure returns (bytes32) {
        bytes32 structHash;
        assembly ("memory-safe") {
            structHash := keccak256(quotes, 224)
        }
        return _digest(structHash, domain);
    }

    function _digest(bytes32 structHash, bytes32 domain) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, shl(240, 0x1901))
            mstore(add(free, 2), domain)
            mstore(add(free, 34), structHash)
            result := keccak256(free, 66)
        }
    }

    /* TREES */

    /// @dev keccak256(0x00, index u16, isBuy u8, lots u48, ticks u40).
    /// @param packed An instruction of a batch: these 14 bytes after one that is ignored.
    function leaf(uint256 packed) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0, and(packed, shr(8, not(0))))
            result := keccak256(0, 15)
        }
    }

    /// @dev keccak256(0x01, left, right).
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            mstore(add(free, 1), left)
            mstore(add(free, 33), right)
            result := keccak256(free, 65)
        }
    }

    /// @dev The name of one quote in events.
    function leafKey(bytes32 quotesDigest, uint256 index) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0, quotesDigest)
            mstore(32, index)
            result := keccak256(0, 64)
        }
    }

    /* SIGNATURES */

    /// @dev Signer of an EIP-2098 signature; zero for none and for a high s.
    function recover(bytes32 message, bytes32 r, bytes32 vs) internal pure returns (address) {
        uint256 s = uint256(vs) & (type(uint256).max >> 1);
        if (s > HALF_ORDER) return address(0);
        return ecrecover(message, uint8(27 + (uint256(vs) >> 255)), r, bytes32(s));
    }
}
