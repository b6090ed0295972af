// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What calls and creations cost, and how much gas the child gets (EIP-150, EIP-2929, EIP-3860).
/// Twins: optimistic/protocol/stepper/ops/{accounts,calls,creation,destruction}.py.
library CallGas {
    /// @dev What a child gets on top when value is sent.
    uint256 internal constant STIPEND = 2300;
    uint256 private constant WARM = 100;
    uint256 private constant COLD = 2600;
    uint256 private constant NEW_ACCOUNT = 25_000;
    uint256 private constant VALUE = 9000;
    uint256 private constant INITCODE_WORD = 2;
    uint256 private constant HASH_WORD = 6;

    /// @dev Gas of reading an account.
    function access(bool wasWarm) internal pure returns (uint256) {
        return wasWarm ? WARM : COLD;
    }

    /// @dev Gas of a call beside memory and what the child gets.
    function extra(bool wasWarm, bool sendsValue, bool createsAccount) internal pure returns (uint256) {
        return access(wasWarm) + (sendsValue ? VALUE : 0) + (createsAccount ? NEW_ACCOUNT : 0);
    }

    /// @dev Gas of SELFDESTRUCT beside its base cost; being warm costs nothing there.
    function selfDestruct(bool wasWarm, bool createsAccount) internal pure returns (uint256) {
        return (wasWarm ? 0 : COLD) + (createsAccount ? NEW_ACCOUNT : 0);
    }

    /// @dev What a child that asks for `requested` gets of the caller's `gas`: never the last 64th.
    function child(uint256 requested, uint256 gas) internal pure returns (uint256) {
        uint256 limit = allButOne64th(gas);
        return requested < limit ? requested : limit;
    }

    /// @dev What a creation takes of the creator's gas.
    function allButOne64th(uint256 gas) internal pure returns (uint256) {
        return gas - gas / 64;
    }

    /// @dev Gas of `length` bytes of initcode, hashed once more by CREATE2; any length.
    function initcode(uint256 length, bool isCreate2) internal pure returns (uint256) {
        uint256 words = length / 32 + (length % 32 == 0 ? 0 : 1);
        return words * (INITCODE_WORD + (isCreate2 ? HASH_WORD : 0));
    }
}
