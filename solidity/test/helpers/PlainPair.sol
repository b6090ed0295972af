// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PlainToken} from "./PlainToken.sol";

/// @notice Told of a swap before it has to be paid for.
interface ISwapCallee {
    function onSwap(address sender, uint256 amount0, uint256 amount1, bytes calldata data) external;
}

/// @notice A pair of tokens that anybody can swap as long as the product of its reserves does not fall, less a
/// fee of 0.3%. Shaped like a pair of the second version of Uniswap.
contract PlainPair {
    event Swap(address indexed sender, uint256 in0, uint256 in1, uint256 out0, uint256 out1, address indexed to);
    event Sync(uint112 reserve0, uint112 reserve1);
    event Mint(address indexed sender, uint256 amount0, uint256 amount1);
    event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to);
    event Transfer(address indexed from, address indexed to, uint256 value);

    error Locked();
    error NoOutput();
    error NoInput();
    error NoLiquidity();
    error InvalidReceiver();
    error ProductFalls();
    error TooLarge();
    error TransferFailed();

    uint256 private constant MINIMUM_LIQUIDITY = 1_000;

    PlainToken public token0;
    PlainToken public token1;
    uint112 private _reserve0;
    uint112 private _reserve1;
    uint32 private _updatedAt;
    uint256 public price0Cumulative;
    uint256 public price1Cumulative;
    uint256 private _unlocked = 1;
    uint256 public totalSupply;
    mapping(address owner => uint256) public balanceOf;

    modifier locked() {
        if (_unlocked != 1) revert Locked();
        _unlocked = 0;
        _;
        _unlocked = 1;
    }

    constructor(PlainToken first, PlainToken second) {
        token0 = first;
        token1 = second;
    }

    function getReserves() public view returns (uint112 reserve0, uint112 reserve1, uint32 updatedAt) {
        return (_reserve0, _reserve1, _updatedAt);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    function mint(address to) external locked returns (uint256 shares) {
        (uint112 reserve0, uint112 reserve1,) = getReserves();
        uint256 balance0 = token0.balanceOf(address(this));
        uint256 balance1 = token1.balanceOf(address(this));
        (uint256 in0, uint256 in1) = (balance0 - reserve0, balance1 - reserve1);
        uint256 supply = totalSupply;
        if (supply == 0) {
            shares = _sqrt(in0 * in1) - MINIMUM_LIQUIDITY;
            _mint(address(0), MINIMUM_LIQUIDITY);
        } else {
            shares = _min(in0 * supply / reserve0, in1 * supply / reserve1);
        }
        if (shares == 0) revert NoLiquidity();
        _mint(to, shares);
        _update(balance0, balance1, reserve0, reserve1);
        emit Mint(msg.sender, in0, in1);
    }

    function burn(address to) external locked returns (uint256 out0, uint256 out1) {
        (uint112 reserve0, uint112 reserve1,) = getReserves();
        uint256 shares = balanceOf[address(this)];
        out0 = shares * token0.balanceOf(address(this)) / totalSupply;
        out1 = shares * token1.balanceOf(address(this)) / totalSupply;
        if (out0 == 0 || out1 == 0) revert NoLiquidity();
        balanceOf[address(this)] = 0;
        totalSupply -= shares;
        emit Transfer(address(this), address(0), shares);
        _send(token0, to, out0);
        _send(token1, to, out1);
        _update(token0.balanceOf(address(this)), token1.balanceOf(address(this)), reserve0, reserve1);
        emit Burn(msg.sender, out0, out1, to);
    }

    function swap(uint256 out0, uint256 out1, address to, bytes calldata data) external locked {
        if (out0 == 0 && out1 == 0) revert NoOutput();
        (uint112 reserve0, uint112 reserve1,) = getReserves();
        if (out0 >= reserve0 || out1 >= reserve1) revert NoLiquidity();
        (uint256 balance0, uint256 balance1) = _pay(out0, out1, to, data);
        uint256 in0 = balance0 > reserve0 - out0 ? balance0 - (reserve0 - out0) : 0;
        uint256 in1 = balance1 > reserve1 - out1 ? balance1 - (reserve1 - out1) : 0;
        if (in0 == 0 && in1 == 0) revert NoInput();
        uint256 adjusted0 = balance0 * 1_000 - in0 * 3;
        uint256 adjusted1 = balance1 * 1_000 - in1 * 3;
        if (adjusted0 * adjusted1 < uint256(reserve0) * reserve1 * 1_000_000) revert ProductFalls();
        _update(balance0, balance1, reserve0, reserve1);
        emit Swap(msg.sender, in0, in1, out0, out1, to);
    }

    function _pay(uint256 out0, uint256 out1, address to, bytes calldata data)
        private
        returns (uint256 balance0, uint256 balance1)
    {
        (PlainToken first, PlainToken second) = (token0, token1);
        if (to == address(first) || to == address(second)) revert InvalidReceiver();
        if (out0 > 0) _send(first, to, out0);
        if (out1 > 0) _send(second, to, out1);
        if (data.length > 0) ISwapCallee(to).onSwap(msg.sender, out0, out1, data);
        return (first.balanceOf(address(this)), second.balanceOf(address(this)));
    }

    /// @dev Pay out a token that may return nothing.
    function _send(PlainToken token, address to, uint256 value) private {
        (bool success, bytes memory data) = address(token).call(abi.encodeCall(PlainToken.transfer, (to, value)));
        if (!success || (data.length != 0 && !abi.decode(data, (bool)))) revert TransferFailed();
    }

    function _update(uint256 balance0, uint256 balance1, uint112 reserve0, uint112 reserve1) private {
        if (balance0 > type(uint112).max || balance1 > type(uint112).max) revert TooLarge();
        uint32 now_ = uint32(block.timestamp);
        unchecked {
            uint32 elapsed = now_ - _updatedAt;
            if (elapsed > 0 && reserve0 != 0 && reserve1 != 0) {
                price0Cumulative += (uint256(reserve1) << 112) / reserve0 * elapsed;
                price1Cumulative += (uint256(reserve0) << 112) / reserve1 * elapsed;
            }
        }
        (_reserve0, _reserve1, _updatedAt) = (uint112(balance0), uint112(balance1), now_);
        emit Sync(uint112(balance0), uint112(balance1));
    }

    function _mint(address to, uint256 value) private {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function _sqrt(uint256 square) private pure returns (uint256 root) {
        root = square;
        for (uint256 next = square / 2 + 1; next < root; next = (square / next + next) / 2) {
            root = next;
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
