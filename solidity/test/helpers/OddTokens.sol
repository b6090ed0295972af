// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ITokenGateway} from "../../src/interfaces/settlement/ITokenGateway.sol";
import {SubaccountId} from "../../src/types/Settlement.sol";

/// @notice A token that returns nothing, as some of the largest do.
contract SilentToken {
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    constructor() {
        balanceOf[msg.sender] = 1e30;
    }

    function approve(address spender, uint256 value) external {
        allowance[msg.sender][spender] = value;
    }

    function transfer(address to, uint256 value) external {
        _transfer(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        allowance[from][msg.sender] -= value;
        _transfer(from, to, value);
    }

    function _transfer(address from, address to, uint256 value) internal virtual {
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// @notice A token that keeps a hundredth of what is sent.
contract FeeToken is SilentToken {
    function _transfer(address from, address to, uint256 value) internal override {
        balanceOf[from] -= value;
        balanceOf[to] += value - value / 100;
    }
}

/// @notice A token that says what a test tells it to say, and moves nothing.
contract LyingToken {
    bytes public answer;

    function setAnswer(bytes calldata newAnswer) external {
        answer = newAnswer;
    }

    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return answer;
    }
}

/// @notice A token that calls its sender's hook before it moves anything; the hook deposits again.
contract HookToken is SilentToken {
    function _transfer(address from, address to, uint256 value) internal override {
        if (from.code.length != 0) Depositor(from).onSend();
        super._transfer(from, to, value);
    }
}

/// @notice A contract that deposits, and once more inside its own deposit.
contract Depositor {
    ITokenGateway internal immutable GATEWAY;
    bool internal _again;

    constructor(ITokenGateway gateway) {
        GATEWAY = gateway;
        SilentToken(gateway.TOKEN()).approve(address(gateway), type(uint256).max);
    }

    function onSend() external {
        if (!_again) return;
        _again = false;
        GATEWAY.deposit(SubaccountId.wrap(0), 1e6);
    }

    function deposit(uint256 amount, bool again) external {
        _again = again;
        GATEWAY.deposit(SubaccountId.wrap(0), amount);
    }
}
