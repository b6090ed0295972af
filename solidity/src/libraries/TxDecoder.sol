// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IntrinsicGas} from "./IntrinsicGas.sol";
import {Rlp} from "./Rlp.sol";
import {TotalRlp} from "./TotalRlp.sol";
import {TxAccessList} from "./TxAccessList.sol";

/// @notice A well-formed transaction with its signer. Offsets count from the first byte of the encoding.
struct DecodedTx {
    /// 0 legacy, 1 access list (EIP-2930), 2 dynamic fee (EIP-1559).
    uint8 txType;
    /// False for a legacy transaction signed without EIP-155, which is valid on every chain.
    bool hasChainId;
    uint256 chainId;
    uint64 nonce;
    /// Wei per gas; both are the gas price for types 0 and 1.
    uint256 maxFee;
    uint256 maxPriorityFee;
    uint64 gasLimit;
    bool isCreate;
    /// Zero for a creation.
    address to;
    uint256 value;
    /// Payload of the calldata or initcode.
    uint256 dataOffset;
    uint256 dataLength;
    /// Payload of the access list; both zero for type 0.
    uint256 accessOffset;
    uint256 accessLength;
    uint256 accessAddresses;
    uint256 accessKeys;
    /// Zero bytes in the data.
    uint256 zeroBytes;
    address sender;
    bytes32 txHash;
}

/// @notice The decoder of record for signed transactions: the canonical encodings of types 0, 1 and 2, each with
/// a signature in range (s low) that recovers a sender. Everything else is invalid.
/// @dev Total: no input makes it revert. It takes calldata and works on one copy in memory, given back at the
/// end, where the signed bytes are put together in place: they are the encoding without the signature, under a
/// shorter header. Twin: optimistic/protocol/transactions.py.
library TxDecoder {
    uint256 private constant LEGACY = 0;
    uint256 private constant ACCESS_LIST = 1;
    uint256 private constant DYNAMIC_FEE = 2;

    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /// @dev Decode `raw`, which the caller cuts out of the calldata where it was proven: region[start:end]. The
    /// fields mean nothing unless `valid`.
    function decode(bytes calldata raw) internal pure returns (bool valid, DecodedTx memory decoded) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40) // the copy, allocated until the end of this function
            calldatacopy(start, raw.offset, raw.length) // the encoding, at any offset of calldata
            let size := and(add(raw.length, 0x7f), not(0x1f)) // two words to spare for reads and writes over the end
            mstore(0x40, add(start, size)) // nothing else is allocated before it is given back
        }
        decoded.txHash = _hash(start, start + raw.length);
        valid = _decode(decoded, start, start + raw.length);
        assembly ("memory-safe") {
            mstore(0x40, start) // give the copy back
        }
    }

    /// @dev Gas charged before execution (Cancun schedule).
    function intrinsicGas(DecodedTx memory decoded) internal pure returns (uint256) {
        uint256 nonZero = decoded.dataLength - decoded.zeroBytes;
        return IntrinsicGas.message(decoded.dataLength, nonZero, decoded.isCreate)
            + IntrinsicGas.accessList(decoded.accessAddresses, decoded.accessKeys);
    }

    /// @dev Fill in everything but the hash from memory [start, end); false if any rule is broken.
    function _decode(DecodedTx memory decoded, uint256 start, uint256 end) private pure returns (bool) {
        // Pointers into memory; nothing is derived from those of a failed read before the one check below.
        unchecked {
            if (start == end) return false;
            uint256 kind = Rlp.byteAt(start);
            if (kind >= Rlp.LIST) kind = LEGACY;
            else if (kind != ACCESS_LIST && kind != DYNAMIC_FEE) return false;
            decoded.txType = uint8(kind);

            (uint256 items, uint256 listEnd) = TotalRlp.list(kind == LEGACY ? start : start + 1, end);
            if (listEnd != end) return false;
            uint256 signature = _readFields(decoded, items, end, start);
            (uint256 v, uint256 r, uint256 s) = _readSignature(signature, end);
            // A signature that is not there has r = 0.
            if (r == 0 || r >= CURVE_ORDER || s == 0 || s > CURVE_ORDER / 2) return false;
            if (kind == LEGACY) {
                if (v < 27 || (v > 28 && v < 35)) return false;
                decoded.hasChainId = v > 28;
                if (decoded.hasChainId) decoded.chainId = (v - 35) >> 1;
                v = (v - 27) & 1; // 35 is odd, too
            } else if (v > 1) {
                return false;
            }
            if (!_measure(decoded, start)) return false;
            decoded.sender = ecrecover(_signingHash(decoded, items, signature), uint8(27 + v), bytes32(r), bytes32(s));
            return decoded.sender != address(0);
        }
    }

    /// @dev Read the items before the signature; returns where that begins, or FAILED.
    function _readFields(DecodedTx memory decoded, uint256 at, uint256 end, uint256 base)
        private
        pure
        returns (uint256)
    {
        uint256 value;
        if (decoded.txType != LEGACY) {
            decoded.hasChainId = true;
            (decoded.chainId, at) = TotalRlp.integer(at, end, 32);
        }
        (value, at) = TotalRlp.integer(at, end, 8);
        decoded.nonce = uint64(value);
        (value, at) = TotalRlp.integer(at, end, 32);
        decoded.maxPriorityFee = value;
        if (decoded.txType == DYNAMIC_FEE) (value, at) = TotalRlp.integer(at, end, 32);
        decoded.maxFee = value;
        (value, at) = TotalRlp.integer(at, end, 8);
        decoded.gasLimit = uint64(value);
        at = _readTo(decoded, at, end);
        (decoded.value, at) = TotalRlp.integer(at, end, 32);

        // Sizes and offsets after a failed read are never used.
        unchecked {
            (value, at) = TotalRlp.str(at, end);
            decoded.dataOffset = value - base;
            decoded.dataLength = at - value;
            if (decoded.txType == LEGACY) return at;
            (value, at) = TotalRlp.list(at, end);
            decoded.accessOffset = value - base;
            decoded.accessLength = at - value;
            return at;
        }
    }

    /// @dev Read a recipient of 20 bytes, or none for a creation; returns the end of the item, or FAILED.
    function _readTo(DecodedTx memory decoded, uint256 at, uint256 limit) private pure returns (uint256) {
        (uint256 payload, uint256 end) = TotalRlp.str(at, limit);
        unchecked {
            uint256 size = end - payload;
            if (size == 20) decoded.to = address(uint160(Rlp.wordAt(payload) >> 96));
            else if (size == 0) decoded.isCreate = true;
            else return TotalRlp.FAILED;
        }
        return end;
    }

    /// @dev The last three items; all zero if they or anything before them failed, or if more follows.
    function _readSignature(uint256 at, uint256 end) private pure returns (uint256 v, uint256 r, uint256 s) {
        (v, at) = TotalRlp.integer(at, end, 32);
        (r, at) = TotalRlp.integer(at, end, 32);
        (s, at) = TotalRlp.integer(at, end, 32);
        if (at != end) return (0, 0, 0);
    }

    /// @dev Count what intrinsic gas depends on; false if the access list is out of shape.
    function _measure(DecodedTx memory decoded, uint256 base) private pure returns (bool valid) {
        unchecked {
            uint256 size = decoded.dataLength;
            decoded.zeroBytes = size - IntrinsicGas.nonZeroBytesAt(base + decoded.dataOffset, size);
            uint256 access = base + decoded.accessOffset;
            (valid, decoded.accessAddresses, decoded.accessKeys) =
                TxAccessList.measure(access, access + decoded.accessLength);
        }
    }

    /// @dev What the sender signed: the items in memory [at, end) under a list header of their own. That header,
    /// and what a legacy transaction with a chain id adds, take the place of the old header and of the signature,
    /// which are at least as long: v is larger than the chain id, r and s have at least a byte each.
    function _signingHash(DecodedTx memory decoded, uint256 at, uint256 end) private pure returns (bytes32) {
        unchecked {
            if (decoded.txType == LEGACY && decoded.hasChainId) end = _writeChainId(end, decoded.chainId);
            uint256 size = end - at;
            at -= Rlp.headerSize(size);
            Rlp.writeHeader(at, Rlp.LIST, size);
            if (decoded.txType != LEGACY) {
                --at;
                _writeByte(at, decoded.txType);
            }
        }
        return _hash(at, end);
    }

    /// @dev Write what a legacy transaction signs for its chain id (EIP-155): the items chainId, 0, 0.
    function _writeChainId(uint256 at, uint256 chainId) private pure returns (uint256 end) {
        unchecked {
            if (chainId == 0 || chainId >= Rlp.STRING) {
                uint256 size = Rlp.byteLength(chainId);
                _writeByte(at++, Rlp.STRING + size);
                assembly ("memory-safe") {
                    mstore(at, shl(sub(256, shl(3, size)), chainId)) // at most to the spare words behind the copy
                }
                at += size;
            } else {
                _writeByte(at++, chainId);
            }
            _writeByte(at++, Rlp.STRING);
            _writeByte(at++, Rlp.STRING);
            return at;
        }
    }

    function _writeByte(uint256 pointer, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore8(pointer, value) // inside the copy
        }
    }

    /// @dev Hash of memory [start, end).
    function _hash(uint256 start, uint256 end) private pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            digest := keccak256(start, sub(end, start)) // the caller's copy
        }
    }
}
