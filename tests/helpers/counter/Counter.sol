// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A contract with one of everything that clients care about: storage, events, reverts of each kind.
contract Counter {
    uint256 public number;
    address public owner;

    event NumberSet(address indexed by, uint256 indexed oldNumber, uint256 newNumber);

    error TooBig(uint256 given, uint256 limit);

    constructor(uint256 start) payable {
        number = start;
        owner = msg.sender;
    }

    receive() external payable {}

    function setNumber(uint256 newNumber) public {
        if (newNumber > 1000) revert TooBig(newNumber, 1000);
        require(newNumber != 13, "unlucky number");
        emit NumberSet(msg.sender, number, newNumber);
        number = newNumber;
    }

    function increment() external {
        setNumber(number + 1);
    }

    function divideBy(uint256 divisor) external view returns (uint256) {
        return number / divisor;
    }

    function payOut(address payable to, uint256 amount) external {
        (bool ok,) = to.call{value: amount}("");
        require(ok, "payment failed");
    }

    function spin(uint256 rounds) external pure returns (uint256 sum) {
        for (uint256 i = 0; i < rounds; ++i) {
            sum += i;
        }
    }
}
