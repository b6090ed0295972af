// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CLEARING} from "../Constants.sol";
import {OrderHash} from "./OrderHash.sol";

/// @notice What the exchange says about one signed message it took.
struct OrderReceipt {
    /// The digest that was signed.
    bytes32 orderHash;
    uint64 seq;
    /// Struct hash of the receipt before; zero for the first.
    bytes32 prevReceiptHash;
    /// Unix time in milliseconds.
    uint64 ts;
}

/// @notice What the exchange signs (EIP-712), and who signed. Twin: optimistic/protocol/settlement/receipts.py.
library Receipts {
    bytes32 internal constant RECEIPT_TYPE =
        keccak256("Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)");
    bytes32 internal constant NAME = keccak256("Exchange");

    /// @dev The domain names a chain and a contract that are not here.
    function separator(uint256 l2ChainId) internal pure returns (bytes32) {
        return keccak256(abi.encode(OrderHash.DOMAIN_TYPE, NAME, OrderHash.VERSION, l2ChainId, CLEARING));
    }

    /// @dev EIP-712 struct hash, which the next receipt names.
    function hash(OrderReceipt calldata receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPE, receipt));
    }

    /// @dev Whether no honest exchange gives both: they differ and claim one place.
    function contradict(OrderReceipt calldata a, OrderReceipt calldata b) internal pure returns (bool) {
        return (a.seq == b.seq || a.prevReceiptHash == b.prevReceiptHash) && hash(a) != hash(b);
    }

    /// @dev Who signed; zero unless the signature is r, s, v with a low s and v 27 or 28, and of somebody.
    function signer(OrderReceipt calldata receipt, bytes calldata signature, bytes32 domain)
        internal
        pure
        returns (address)
    {
        if (signature.length != 65) return address(0);
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(signature[:32]), bytes32(signature[32:64]), uint8(signature[64]));
        if (uint256(s) > OrderHash.HALF_ORDER) return address(0);
        return ecrecover(keccak256(abi.encodePacked(hex"1901", domain, hash(receipt))), v, r, s);
    }
}
