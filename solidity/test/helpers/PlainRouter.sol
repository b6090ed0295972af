// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PlainPair} from "./PlainPair.sol";
import {PlainToken} from "./PlainToken.sol";

/// @notice Swaps along a path of tokens. Shaped like a router of the second version of Uniswap: it computes where
/// pairs are, and what they will pay from their reserves.
contract PlainRouter {
    error Expired();
    error InvalidPath();
    error NoLiquidity();
    error TooLittle();
    error TransferFailed();

    address public constant FACTORY = 0xFafafAfafAFaFAFaFafafafAfaFaFAfAfAfAFaFA;
    bytes32 public constant PAIR_INITCODE_HASH = keccak256("initcode of a pair");

    modifier before(uint256 deadline) {
        if (deadline < block.timestamp) revert Expired();
        _;
    }

    function swapExactTokensForTokens(
        uint256 amountIn,
        uint256 leastOut,
        address[] calldata path,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256[] memory amounts) {
        amounts = getAmountsOut(amountIn, path);
        if (amounts[amounts.length - 1] < leastOut) revert TooLittle();
        _pull(path[0], address(pairOf(path[0], path[1])), amounts[0]);
        _swap(amounts, path, to);
    }

    function addLiquidity(address first, address second, uint256 amount0, uint256 amount1, address to, uint256 deadline)
        external
        before(deadline)
        returns (uint256)
    {
        PlainPair pair = pairOf(first, second);
        _pull(first, address(pair), amount0);
        _pull(second, address(pair), amount1);
        return pair.mint(to);
    }

    function getAmountsOut(uint256 amountIn, address[] calldata path) public view returns (uint256[] memory amounts) {
        if (path.length < 2) revert InvalidPath();
        amounts = new uint256[](path.length);
        amounts[0] = amountIn;
        for (uint256 i; i < path.length - 1; ++i) {
            (uint256 reserveIn, uint256 reserveOut) = _reserves(path[i], path[i + 1]);
            amounts[i + 1] = getAmountOut(amounts[i], reserveIn, reserveOut);
        }
    }

    function getAmountOut(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) public pure returns (uint256) {
        if (amountIn == 0) revert TooLittle();
        if (reserveIn == 0 || reserveOut == 0) revert NoLiquidity();
        uint256 afterFee = amountIn * 997;
        return afterFee * reserveOut / (reserveIn * 1_000 + afterFee);
    }

    /// @dev Where the factory creates the pair of two tokens.
    function pairOf(address first, address second) public pure returns (PlainPair) {
        (address token0, address token1) = _sorted(first, second);
        bytes32 salt = keccak256(abi.encodePacked(token0, token1));
        bytes32 digest = keccak256(abi.encodePacked(hex"ff", FACTORY, salt, PAIR_INITCODE_HASH));
        return PlainPair(address(uint160(uint256(digest))));
    }

    function _swap(uint256[] memory amounts, address[] calldata path, address last) private {
        for (uint256 i; i < path.length - 1; ++i) {
            (address input, address output) = (path[i], path[i + 1]);
            (address token0,) = _sorted(input, output);
            (uint256 out0, uint256 out1) = input == token0 ? (uint256(0), amounts[i + 1]) : (amounts[i + 1], uint256(0));
            address to = i < path.length - 2 ? address(pairOf(output, path[i + 2])) : last;
            pairOf(input, output).swap(out0, out1, to, "");
        }
    }

    function _reserves(address input, address output) private view returns (uint256, uint256) {
        (address token0,) = _sorted(input, output);
        (uint112 reserve0, uint112 reserve1,) = pairOf(input, output).getReserves();
        return input == token0 ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    /// @dev Take a token, which may return nothing, from the caller.
    function _pull(address token, address to, uint256 value) private {
        (bool success, bytes memory data) = token.call(abi.encodeCall(PlainToken.transferFrom, (msg.sender, to, value)));
        if (!success || (data.length != 0 && !abi.decode(data, (bool)))) revert TransferFailed();
    }

    function _sorted(address first, address second) private pure returns (address, address) {
        if (first == second || first == address(0) || second == address(0)) revert InvalidPath();
        return first < second ? (first, second) : (second, first);
    }
}
