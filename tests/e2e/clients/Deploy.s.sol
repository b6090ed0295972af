// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Counter} from "./Counter.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// @notice What `forge script --broadcast` runs: CREATE, CREATE2 through the keyless factory, and a call.
contract Deploy {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external {
        VM.startBroadcast();
        Counter plain = new Counter(5);
        Counter salted = new Counter{salt: keccak256("forge")}(6);
        plain.setNumber(7);
        salted.increment();
        VM.stopBroadcast();
    }
}
