// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "./Rlp.sol";
import {TotalRlp} from "./TotalRlp.sol";

/// @notice Access lists (EIP-2930) as they stand in an encoded transaction: lists of [address, [key, ...]].
/// @dev `measure` judges the payload of any list and never reverts. The other functions walk one that was judged
/// valid before, in calldata that a witness brings: they revert if the witness ends too early, and only then.
library TxAccessList {
    /// @dev Bytes of an encoded key, and of an encoded address: their shape allows no other header.
    uint256 internal constant KEY_BYTES = 33;
    uint256 internal constant ADDRESS_BYTES = 21;

    uint256 private constant KEY_HEADER = 0xa0;
    uint256 private constant ADDRESS_HEADER = 0x94;
    uint256 private constant LONG_LIST = 0xf7;

    /// @dev Whether memory [at, end) is the payload of a canonical access list; how many addresses and keys it has.
    function measure(uint256 at, uint256 end) internal pure returns (bool valid, uint256 addresses, uint256 keys) {
        // Pointers into memory, and counts of what is there.
        unchecked {
            while (at < end) {
                (uint256 account, uint256 next) = TotalRlp.list(at, end);
                // An empty list has no such byte, whatever lies behind it: then its keys are not found either.
                if (next == TotalRlp.FAILED || Rlp.byteAt(account) != ADDRESS_HEADER) return (false, 0, 0);
                (uint256 key, uint256 keysEnd) = TotalRlp.list(account + ADDRESS_BYTES, next);
                if (keysEnd != next || (keysEnd - key) % KEY_BYTES != 0) return (false, 0, 0);
                keys += (keysEnd - key) / KEY_BYTES;
                for (; key < keysEnd; key += KEY_BYTES) {
                    if (Rlp.byteAt(key) != KEY_HEADER) return (false, 0, 0);
                }
                ++addresses;
                at = next;
            }
            return (true, addresses, keys);
        }
    }

    /// @dev The entry that begins at `at`: its address, and where its keys begin and end, KEY_BYTES each. The next
    /// entry begins where the keys end.
    function entryAt(bytes calldata region, uint256 at)
        internal
        pure
        returns (address account, uint256 keysStart, uint256 keysEnd)
    {
        (at,) = _listAt(region, at);
        account = address(bytes20(region[at + 1:at + ADDRESS_BYTES]));
        (keysStart, keysEnd) = _listAt(region, at + ADDRESS_BYTES);
    }

    /// @dev The key that begins at `at`.
    function keyAt(bytes calldata region, uint256 at) internal pure returns (bytes32) {
        return bytes32(region[at + 1:at + KEY_BYTES]);
    }

    /// @dev Payload and end of the list at `at`, known to be canonical; it may end behind the region.
    function _listAt(bytes calldata region, uint256 at) private pure returns (uint256 payload, uint256 end) {
        uint256 prefix = uint8(region[at]);
        payload = at + 1;
        if (prefix <= LONG_LIST) return (payload, payload + prefix - Rlp.LIST);
        uint256 lengthSize = prefix - LONG_LIST;
        end = payload + lengthSize;
        uint256 length = uint256(bytes32(region[payload:end])) >> (256 - 8 * lengthSize);
        return (end, end + length);
    }
}
