// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {PrecompileRules} from "../../src/dispute/osp/PrecompileRules.sol";
import {PrecompileRunner} from "../../src/dispute/osp/PrecompileRunner.sol";
import {PrecompileHarness} from "../helpers/PrecompileHarness.sol";

/// @notice What holds on every fork of L1.
abstract contract PrecompilesCase is Test {
    PrecompileHarness internal harness;

    function setUp() public {
        harness = new PrecompileHarness();
    }

    function _modexp(uint256 base, uint256 exponent, uint256 modulus) internal pure returns (bytes memory) {
        bytes memory operands = new bytes(base + exponent + modulus);
        for (uint256 i = 0; i < operands.length; ++i) {
            operands[i] = 0xff;
        }
        return bytes.concat(abi.encode(base, exponent, modulus), operands);
    }

    function _price(uint256 number, bytes memory input) internal view returns (uint256 cost) {
        (, cost) = harness.price(0, true, number, input.length, input);
    }

    // ------------------------------------------------------------------------------------------ probe

    function test_probe_passes() public view {
        harness.probe();
    }

    function test_probe_wrongResult_namesThePrecompile() public {
        for (uint256 number = 1; number <= 10; ++number) {
            if (number == PrecompileRules.IDENTITY) continue;
            (bytes memory input,) = harness.vector(number);
            (, bytes memory right) = harness.run(number, _price(number, input), input);
            bytes memory wrong = bytes.concat(right);
            wrong[wrong.length - 1] ^= 0x01;

            vm.mockCall(address(uint160(number)), input, wrong);
            vm.expectRevert(abi.encodeWithSelector(PrecompileRunner.PrecompileBroken.selector, number));
            harness.probe();
            vm.clearMockedCalls();
        }
    }

    function test_probe_missingPrecompile_namesIt() public {
        for (uint256 number = 1; number <= 10; ++number) {
            if (number == PrecompileRules.IDENTITY) continue;
            (bytes memory input,) = harness.vector(number);

            vm.mockCall(address(uint160(number)), input, "");
            vm.expectRevert(abi.encodeWithSelector(PrecompileRunner.PrecompileBroken.selector, number));
            harness.probe();
            vm.clearMockedCalls();
        }
    }

    function test_probe_tooLittleGas_namesNone() public {
        vm.expectPartialRevert(PrecompileRunner.NotEnoughGas.selector);
        harness.probe{gas: 200_000}();
    }

    // ------------------------------------------------------------------------------------------ runs

    function test_run_brokenOnL1_isNeverFailed() public {
        uint256[5] memory infallible = [uint256(1), 2, 3, 5, 9];
        for (uint256 i = 0; i < infallible.length; ++i) {
            (bytes memory input,) = harness.vector(infallible[i]);
            uint256 cost = _price(infallible[i], input);

            vm.mockCallRevert(address(uint160(infallible[i])), input, "");
            vm.expectRevert(abi.encodeWithSelector(PrecompileRunner.PrecompileBroken.selector, infallible[i]));
            harness.run(infallible[i], cost, input);
            vm.clearMockedCalls();
        }
    }

    function test_run_missingOnL1_isNeverAnswered() public {
        for (uint256 number = 2; number <= 10; ++number) {
            if (number == PrecompileRules.IDENTITY) continue;
            (bytes memory input,) = harness.vector(number);
            uint256 cost = _price(number, input);

            vm.mockCall(address(uint160(number)), input, "");
            vm.expectRevert(abi.encodeWithSelector(PrecompileRunner.PrecompileBroken.selector, number));
            harness.run(number, cost, input);
            vm.clearMockedCalls();
        }
    }

    function testFuzz_run_littleGas_answersTheSameOrReverts(uint256 gasLimit, uint256 number, bool spoil) public view {
        number = bound(number, 1, 10);
        vm.assume(number != PrecompileRules.IDENTITY);
        (bytes memory input,) = harness.vector(number);
        if (spoil) input[input.length - 1] ^= 0x01;
        (bool priceless, uint256 cost) = harness.price(0, true, number, input.length, input);
        if (priceless) return;
        (bool ok, bytes memory output) = harness.run(number, cost, input);
        gasLimit = bound(gasLimit, 0, 600_000);

        (bool reverted, bool okWithin, bytes memory outputWithin) = harness.runWithin(gasLimit, number, cost, input);

        if (reverted) {
            if (outputWithin.length != 0) assertEq(bytes4(outputWithin), PrecompileRunner.NotEnoughGas.selector);
        } else {
            assertEq(okWithin, ok);
            assertEq(outputWithin, output);
        }
    }

    function test_run_modexpAtTheCap_fitsOneTransaction() public view {
        bytes memory input = _modexp(1_024, 8, 1_024);
        uint256 cost = _price(5, input);
        assertLe(cost, 2 ** 21);
        assertGt(cost * 10, 2 ** 21 * 9);

        (bool ok, bytes memory output) = harness.run{gas: 9_000_000}(5, cost, input);

        assertTrue(ok);
        assertEq(output, new bytes(1_024));
    }

    function test_run_modexpPricedByEip2565_works() public view {
        bytes memory input = _modexp(1, 1_024, 1);
        (, uint256 cost) = harness.price(0, false, 5, input.length, input);

        (bool ok, bytes memory output) = harness.run(5, cost, input);

        assertTrue(ok);
        assertEq(output, hex"00");
    }

    function test_run_emptyModulus_isEmpty() public view {
        bytes memory input = abi.encode(1_024, 1_024, 0);

        (bool ok, bytes memory output) = harness.run(5, _price(5, input), input);

        assertTrue(ok);
        assertEq(output.length, 0);
    }
}

contract PrecompilesTest is PrecompilesCase {
    function test_run_modexpLongerThanOsakaAllows_runsOnCancun() public view {
        bytes memory input = _modexp(1_025, 1, 1);
        (, uint256 cost) = harness.price(0, false, 5, input.length, input);

        (bool ok,) = harness.run(5, cost, input);

        assertTrue(ok);
    }
}

/// forge-config: default.evm_version = "osaka"
contract PrecompilesOsakaTest is PrecompilesCase {
    function test_run_modexpLongerThanOsakaAllows_reverts() public {
        bytes memory input = _modexp(1_025, 1, 1);
        (, uint256 cost) = harness.price(0, false, 5, input.length, input);

        vm.expectRevert(abi.encodeWithSelector(PrecompileRunner.PrecompileBroken.selector, 5));
        harness.run(5, cost, input);
    }
}
