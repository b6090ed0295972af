// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../../src/interfaces/settlement/ICollateral.sol";
import {COLLATERAL} from "../../../src/libraries/Constants.sol";
import {SubaccountId} from "../../../src/types/Settlement.sol";
import {CollateralWorld} from "../../helpers/CollateralWorld.sol";

/// @notice The lines in which withdrawals wait. Alice and Bob hold 100 million each; an hour lets 2 million out, a day 20.
contract CollateralLimitsTest is CollateralWorld {
    uint128 internal constant MILLION = 1e12;
    SubaccountId internal a;
    SubaccountId internal b;

    function setUp() public override {
        super.setUp();
        a = credit(alice, NEW, 100 * MILLION);
        b = credit(bob, NEW, 100 * MILLION);
    }

    function readyAt(uint256 number) internal view returns (uint256) {
        return VAULTS.withdrawal(number).readyAt;
    }

    /* CASH */

    function test_hour_whatFitsLeavesAtOnce() public {
        assertEq(readyAt(request(alice, a, CASH, 2 * MILLION)), START + 1);
        assertEq(readyAt(request(bob, b, CASH, 1)), START + 2);
    }

    function test_hour_whatIsBeyondWaits() public {
        assertEq(readyAt(request(alice, a, CASH, 3 * MILLION)), START + 1 + 1800);
        assertEq(readyAt(request(bob, b, CASH, MILLION)), START + 1 + 3600);
        later(3601);
        // An hour has let two of the four through: the line begins where it ended, an hour from now.
        assertEq(readyAt(request(bob, b, CASH, MILLION)), START + 1 + 5400);
    }

    function test_day_limitsWhatManyHoursWould() public {
        uint256 last = readyAt(request(alice, a, CASH, 20 * MILLION));
        assertEq(last, START + 1 + 9 * 3600);
        // The hours go on; the day is full until its line moves.
        assertEq(readyAt(request(bob, b, CASH, 20 * MILLION)), START + 1 + 86_400);
    }

    function test_floor_letsMoreThroughThanAPart() public {
        ICollateral.Settings memory s = defaults();
        s.hourlyFloorWad = 10_000_000e18;
        s.dailyFloorWad = 100_000_000e18;
        setSettings(s);
        assertEq(readyAt(request(alice, a, CASH, 10 * MILLION)), START + 1);
    }

    /// @dev Whatever is asked for, everything can leave within ten days.
    function testFuzz_line_endsWithinTenDays(uint128 amount) public {
        amount = uint128(bound(amount, 1, 100 * MILLION));
        uint256 first = readyAt(request(alice, a, CASH, amount));
        uint256 second = readyAt(request(bob, b, CASH, 100 * MILLION));
        assertLe(first, START + 5 days);
        assertLe(second, START + 10 days);
        assertLe(first, second);
    }

    /// @dev Parts are not sooner than the whole.
    function testFuzz_line_splittingGainsNothing(uint128 amount, uint8 rawParts) public {
        uint128 parts = uint128(bound(rawParts, 2, 8));
        amount = uint128(bound(amount, parts, 100 * MILLION));
        uint256 start = vm.snapshotState();
        uint256 whole = readyAt(request(alice, a, CASH, amount));
        vm.revertToState(start);
        uint256 last;
        for (uint128 i = 0; i < parts; ++i) {
            last = readyAt(request(alice, a, CASH, i == 0 ? amount - amount / parts * (parts - 1) : amount / parts));
        }
        assertGe(last, whole);
    }

    /// @dev By any time no more was ready than the limit lets through since the first request, and one window at once.
    function testFuzz_line_neverLetsMoreThrough(uint64[12] memory amounts, uint16[12] memory waits, uint16 cancels)
        public
    {
        uint256[] memory ready = new uint256[](12);
        for (uint256 i = 0; i < 12; ++i) {
            (address who, SubaccountId id) = i % 2 == 0 ? (alice, a) : (bob, b);
            amounts[i] = uint64(bound(amounts[i], 1, 8 * MILLION));
            uint256 number = request(who, id, CASH, amounts[i]);
            ready[i] = readyAt(number);
            later(waits[i]);
            if (cancels >> i & 1 == 1) {
                vm.prank(who);
                VAULTS.cancel(number);
                amounts[i] = 0;
            }
        }
        for (uint256 i = 0; i < 12; ++i) {
            uint256 sum;
            for (uint256 j = 0; j < 12; ++j) {
                if (ready[j] <= ready[i]) sum += amounts[j];
            }
            // Two million an hour, and two at once.
            assertLe(sum, 2 * uint256(MILLION) * (ready[i] - START + 3600) / 3600);
        }
    }

    /// @dev Asking and cancelling keeps nobody waiting.
    function test_attack__lineFilledAndCancelled() public {
        for (uint256 i = 0; i < 10; ++i) {
            uint256 number = request(bob, b, CASH, 100 * MILLION);
            vm.prank(bob);
            VAULTS.cancel(number);
        }
        assertEq(readyAt(request(alice, a, CASH, 2 * MILLION)), START + 1);
    }

    function test_attack__turnsHoardedByCancelling() public {
        uint256 first = request(bob, b, CASH, 50 * MILLION);
        uint256 second = request(alice, a, CASH, 50 * MILLION);
        uint256 turn = readyAt(second);
        vm.prank(bob);
        VAULTS.cancel(first);
        // Who waits keeps the turn it has; who comes now takes the place that was given back, not an earlier one.
        assertEq(readyAt(second), turn);
        assertEq(readyAt(request(bob, b, CASH, 50 * MILLION)), turn);
    }

    function test_lineOf_tellsLimitsAndEnds() public {
        request(alice, a, CASH, 3 * MILLION);
        (uint256 hourlyLimit, uint256 dailyLimit, uint256 hourEnd, uint256 dayEnd) = VAULTS.lineOf(CASH);
        assertEq(hourlyLimit, 2_000_000e18);
        assertEq(dailyLimit, 20_000_000e18);
        assertEq(hourEnd, (START + 1 + 5400) * 1e18);
        assertEq(dayEnd, (START + 1 + 12_960) * 1e18);
        (hourlyLimit, dailyLimit, hourEnd, dayEnd) = VAULTS.lineOf(ETHER);
        assertEq(hourlyLimit, 5 ether);
        assertEq(dailyLimit, 50 ether);
        assertEq(hourEnd + dayEnd, 0);
    }

    /* ETHER */

    function test_ether_hasALineOfItsOwn() public {
        request(alice, a, CASH, 20 * MILLION);
        SubaccountId c = etherFor(alice, 100 ether);
        // One percent of the cap in an hour.
        assertEq(readyAt(request(alice, c, ETHER, 5 ether)), START + 1);
        assertEq(readyAt(request(alice, c, ETHER, 5 ether)), START + 1 + 3600);
    }

    function test_ether_leavesWhateverTheCap() public {
        SubaccountId c = etherFor(alice, 100 ether);
        ICollateral.Settings memory s = defaults();
        s.etherCapWei = 0;
        setSettings(s);
        assertLe(readyAt(request(alice, c, ETHER, 100 ether)), START + 10 days);
    }

    /// @dev Before governance has set anything, the least rates hold.
    function test_unset_settingsLetEverythingLeave() public {
        for (uint256 slot = 4; slot < 7; ++slot) {
            vm.store(COLLATERAL, bytes32(slot), 0);
        }
        assertEq(VAULTS.settings().hourlyPips, 0);
        assertEq(readyAt(request(alice, a, CASH, 2 * MILLION)), START + 1);
        assertLe(readyAt(request(alice, a, CASH, 98 * MILLION)), START + 10 days);
    }
}
