// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {PrecompileGuard} from "../../src/dispute/PrecompileGuard.sol";
import {PrecompileProbe} from "../../src/dispute/osp/PrecompileProbe.sol";
import {PrecompileRunner} from "../../src/dispute/osp/PrecompileRunner.sol";
import {IPrecompileGuard} from "../../src/interfaces/IPrecompileGuard.sol";
import {FakeProbe} from "../helpers/FakeProbe.sol";

/// @notice The guard believes the probe and nothing else.
contract PrecompileGuardTest is Test {
    FakeProbe internal fake;
    PrecompileGuard internal guard;

    function setUp() public {
        fake = new FakeProbe();
        guard = new PrecompileGuard(address(fake));
    }

    function testFuzz_probe_brokenAndRepaired_isRemembered(uint256 number) public {
        assertFalse(guard.isBroken());
        fake.setBroken(number);
        assertFalse(guard.isBroken());

        vm.expectEmit(address(guard));
        emit IPrecompileGuard.PrecompilesJudged(true);
        guard.probe();
        assertTrue(guard.isBroken());

        fake.setReason("");
        vm.expectEmit(address(guard));
        emit IPrecompileGuard.PrecompilesJudged(false);
        guard.probe();
        assertFalse(guard.isBroken());
    }

    function test_probe_sameAnswer_emitsNothing() public {
        vm.recordLogs();
        guard.probe();
        fake.setBroken(5);
        guard.probe();
        guard.probe();
        assertEq(vm.getRecordedLogs().length, 1);
    }

    function testFuzz_probe_otherFailure_isPassedOnAndChangesNothing(bytes4 selector, uint256 value, bool before)
        public
    {
        vm.assume(selector != PrecompileRunner.PrecompileBroken.selector && selector != 0);
        if (before) {
            fake.setBroken(1);
            guard.probe();
        }
        bytes memory reason = abi.encodeWithSelector(selector, value);
        fake.setReason(reason);
        vm.expectRevert(reason);
        guard.probe();
        assertEq(guard.isBroken(), before);
    }

    /// @dev Whoever gives too little gas, anywhere in the call, learns nothing and changes nothing.
    function testFuzz_attack__probe_starved_neverChangesTheAnswer(uint256 gas) public {
        PrecompileGuard real = new PrecompileGuard(address(new PrecompileProbe()));
        try real.probe{gas: bound(gas, 0, 3_000_000)}() {} catch {}
        assertFalse(real.isBroken());
    }

    /// @dev Nor does it hide a precompile that is broken.
    function testFuzz_attack__probe_starved_neverRepairs(uint256 gas) public {
        PrecompileGuard real = new PrecompileGuard(address(new PrecompileProbe()));
        vm.mockCall(address(9), "", "");
        real.probe();
        assertTrue(real.isBroken());
        try real.probe{gas: bound(gas, 0, 3_000_000)}() {} catch {}
        assertTrue(real.isBroken());
    }
}
