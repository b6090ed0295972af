// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Which precompile calls of the rollup fail, and what the others cost.
/// @dev Total: no input makes these functions revert. A call that fails is like one that runs out of gas: it uses
/// all it was given and returns nothing; so a price that no frame can pay counts as a failure, too.
/// `head` is the input or the first `inputNeeded` bytes of it, and `length` that of the whole input.
/// `priceCap` 0 means no cap; `modexpOsaka` selects EIP-7823 and EIP-7883 for MODEXP, otherwise EIP-2565.
/// Twin: optimistic/protocol/stepper/precompiles.py.
library PrecompileRules {
    uint256 internal constant ECRECOVER = 0x01;
    uint256 internal constant SHA256 = 0x02;
    uint256 internal constant RIPEMD160 = 0x03;
    uint256 internal constant IDENTITY = 0x04;
    uint256 internal constant MODEXP = 0x05;
    uint256 internal constant BN254_ADD = 0x06;
    uint256 internal constant BN254_MUL = 0x07;
    uint256 internal constant BN254_PAIRING = 0x08;
    uint256 internal constant BLAKE2F = 0x09;
    uint256 internal constant POINT_EVALUATION = 0x0a;

    /// @dev No frame has more gas.
    uint256 internal constant HIGHEST_GAS = type(uint64).max;

    uint256 internal constant HASH_BYTES = 65_536;
    uint256 internal constant MODEXP_HEADER_BYTES = 96;
    uint256 internal constant MODEXP_OPERAND_BYTES = 1_024;
    uint256 internal constant BLAKE2F_BYTES = 213;
    uint256 internal constant POINT_EVALUATION_BYTES = 192;
    uint256 internal constant PAIR_BYTES = 192;

    /// @dev Lengths are cut to it: what is longer costs more than any gas, and no product of two overflows.
    uint256 private constant ENDLESS = 1 << 72;

    /// @dev How many first bytes of an input of `length` bytes decide price and result.
    function inputNeeded(uint256 priceCap, bool modexpOsaka, uint256 number, uint256 length)
        internal
        pure
        returns (uint256)
    {
        if (number == ECRECOVER || number == BN254_ADD) return _min(length, 128);
        if (number == BN254_MUL) return _min(length, 96);
        if (number == MODEXP && modexpOsaka) return _min(length, MODEXP_HEADER_BYTES + 3 * MODEXP_OPERAND_BYTES);
        if (number == IDENTITY || _failsByLength(priceCap, number, length)) return 0;
        return length;
    }

    /// @dev What a call costs at least, whatever stands in its `length` bytes.
    function leastPrice(uint256 number, uint256 length) internal pure returns (uint256) {
        return number == MODEXP || number == BLAKE2F ? 0 : _priceByLength(number, length);
    }

    /// @dev Whether a call fails whatever gas it gets, otherwise its price. Any number but 1 to 10 fails.
    function price(uint256 priceCap, bool modexpOsaka, uint256 number, uint256 length, bytes memory head)
        internal
        pure
        returns (bool fails, uint256 cost)
    {
        if (_failsByLength(priceCap, number, length)) return (true, 0);
        if (number == MODEXP) {
            (fails, cost) = modexpOsaka ? modexpPriceOsaka(head) : _modexpPriceBerlin(head);
        } else if (number == BLAKE2F) {
            fails = uint8(_word(head, BLAKE2F_BYTES - 32)) > 1; // the last byte of the input
            cost = _word(head, 0) >> 224; // the first four
        } else {
            cost = _priceByLength(number, length);
        }
        if (fails || cost > _highestPrice(priceCap)) return (true, 0);
    }

    /// @dev Length in bytes of MODEXP's result.
    function modulusLength(bytes memory head) internal pure returns (uint256) {
        return _word(head, 64);
    }

    /// @dev MODEXP's price by EIP-7883; fails above the lengths of EIP-7823.
    function modexpPriceOsaka(bytes memory head) internal pure returns (bool fails, uint256 cost) {
        (uint256 longest, uint256 exponentLength, uint256 steps) = _modexpHeader(head);
        if (longest > MODEXP_OPERAND_BYTES || exponentLength > MODEXP_OPERAND_BYTES) return (true, 0);
        uint256 eights = (longest + 7) / 8;
        if (exponentLength > 32) steps += 16 * (exponentLength - 32);
        return (false, _max(500, (longest > 32 ? 2 * eights * eights : 16) * _max(steps, 1)));
    }

    /// @dev MODEXP's price by EIP-2565; above HIGHEST_GAS it is only some price above it.
    function _modexpPriceBerlin(bytes memory head) private pure returns (bool fails, uint256 cost) {
        (uint256 longest, uint256 exponentLength, uint256 steps) = _modexpHeader(head);
        uint256 eights = (longest + 7) / 8;
        if (exponentLength > 32) steps += 8 * (exponentLength - 32);
        return (false, _max(200, eights * eights * _max(steps, 1) / 3));
    }

    /// @dev The longer of base and modulus, the exponent's length, and the bits of the exponent's first word after
    /// the highest one set. Lengths are cut to ENDLESS.
    function _modexpHeader(bytes memory head)
        private
        pure
        returns (uint256 longest, uint256 exponentLength, uint256 steps)
    {
        uint256 baseLength = _min(_word(head, 0), ENDLESS);
        exponentLength = _min(_word(head, 32), ENDLESS);
        longest = _max(baseLength, _min(_word(head, 64), ENDLESS));
        uint256 leading = _word(head, MODEXP_HEADER_BYTES + baseLength);
        if (exponentLength < 32) leading >>= 8 * (32 - exponentLength);
        for (uint256 shift = 128; shift > 0; shift >>= 1) {
            if (leading >> shift != 0) {
                leading >>= shift;
                steps += shift;
            }
        }
    }

    /// @dev Whether no input of this length has a price.
    function _failsByLength(uint256 priceCap, uint256 number, uint256 length) private pure returns (bool) {
        if (number == SHA256 || number == RIPEMD160) {
            return (priceCap != 0 && length > HASH_BYTES) || _priceByLength(number, length) > _highestPrice(priceCap);
        }
        if (number == BN254_PAIRING) {
            return length % PAIR_BYTES != 0 || _priceByLength(number, length) > _highestPrice(priceCap);
        }
        if (number == BLAKE2F) return length != BLAKE2F_BYTES;
        if (number == POINT_EVALUATION) return length != POINT_EVALUATION_BYTES;
        return number < ECRECOVER || number > POINT_EVALUATION;
    }

    /// @dev Price of a precompile that does not look into its input.
    function _priceByLength(uint256 number, uint256 length) private pure returns (uint256) {
        length = _min(length, ENDLESS);
        uint256 words = (length + 31) / 32;
        if (number == SHA256) return 60 + 12 * words;
        if (number == RIPEMD160) return 600 + 120 * words;
        if (number == IDENTITY) return 15 + 3 * words;
        if (number == BN254_PAIRING) return 45_000 + 34_000 * (length / PAIR_BYTES);
        if (number == ECRECOVER) return 3_000;
        if (number == BN254_ADD) return 150;
        if (number == BN254_MUL) return 6_000;
        return 50_000; // point evaluation
    }

    /// @dev The highest price that does not fail.
    function _highestPrice(uint256 priceCap) private pure returns (uint256) {
        return priceCap == 0 ? HIGHEST_GAS : priceCap;
    }

    /// @dev The word at `start` of bytes that continue with zeros for ever.
    function _word(bytes memory data, uint256 start) private pure returns (uint256 word) {
        uint256 length = data.length;
        if (start >= length) return 0;
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), start)) // may reach beyond the data
        }
        uint256 left = length - start;
        if (left < 32) word &= ~(type(uint256).max >> (8 * left)); // keep the bytes of the data
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
