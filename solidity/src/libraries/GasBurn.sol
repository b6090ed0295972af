// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Spends L1 gas on nothing: how deposits pay for L2 work without a token changing hands.
library GasBurn {
    /// @dev Burns at least `amount` gas and at most some hundred more. Returns false, at once, if there is not
    /// enough left.
    function burn(uint256 amount) internal view returns (bool) {
        uint256 left = gasleft();
        if (left <= amount) return false;
        uint256 stop = left - amount;
        while (gasleft() > stop) {}
        return true;
    }
}
