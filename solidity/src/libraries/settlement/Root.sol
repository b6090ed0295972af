// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Integer square roots. Twin: optimistic/protocol/settlement/units.py.
library Root {
    /// @dev The greatest integer whose square is not above `value`; Newton's iteration from above.
    function sqrtDown(uint256 value) internal pure returns (uint256 root) {
        if (value == 0) return 0;
        unchecked {
            // The start is above the root and at most 2^128, so no sum overflows.
            root = 1 << ((_log2(value) >> 1) + 1);
            while (true) {
                uint256 better = (root + value / root) >> 1;
                if (better >= root) return root;
                root = better;
            }
        }
    }

    /// @dev The least integer whose square is not below `value`.
    function sqrtUp(uint256 value) internal pure returns (uint256 root) {
        root = sqrtDown(value);
        unchecked {
            if (root * root != value) root += 1;
        }
    }

    /// @dev Number of the highest bit that is set; `value` is not zero.
    function _log2(uint256 value) private pure returns (uint256 bits) {
        for (uint256 width = 128; width != 0; width >>= 1) {
            if (value >> width != 0) {
                value >>= width;
                bits += width;
            }
        }
    }
}
