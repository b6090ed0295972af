// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {GasBurn} from "../../src/libraries/GasBurn.sol";

contract GasBurnTest is Test {
    function burn(uint256 amount) external view returns (bool done, uint256 spent) {
        uint256 before = gasleft();
        done = GasBurn.burn(amount);
        spent = before - gasleft();
    }

    function testFuzz_burn_spendsTheAmountAndLittleMore(uint256 amount) public view {
        amount = bound(amount, 0, 8_000_000);

        (bool done, uint256 spent) = this.burn(amount);

        assertTrue(done);
        assertGe(spent, amount);
        assertLt(spent, amount + 500);
    }

    function testFuzz_burn_tooLittleGas_spendsNothing(uint256 amount) public view {
        amount = bound(amount, 200_000, type(uint256).max);

        (bool done, uint256 spent) = this.burn{gas: 200_000}(amount);

        assertFalse(done);
        assertLt(spent, 500);
    }
}
