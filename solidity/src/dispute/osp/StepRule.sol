// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {STEP_BITS, UNIT_BITS} from "../../libraries/Constants.sol";
import {Phase} from "../../types/Unit.sol";
import {Machine} from "./Machine.sol";

/// @notice What becomes of the machine at one index of the virtual trace.
enum Move {
    /// It stays as it is: padding.
    KEEP,
    /// It takes one step; from IDLE this begins a batch, from BOUNDARY it chooses the next unit.
    STEP,
    /// It becomes ERRORED.
    ERR
}

/// @notice The virtual trace: 2^25 steps for each unit j, all of them defined. Source: docs/spec/09-step-machine.md.
/// Twin: optimistic/protocol/stepper/trace.py.
library StepRule {
    uint256 private constant LAST_STEP = (1 << STEP_BITS) - 1;

    /// @dev What happens at step `v` of unit `j` to a machine in `phase`; `hasBatch` is whether a batch of the
    /// assertion begins at that unit if it is the first of a batch.
    function next(uint256 j, uint256 v, bool hasBatch, Phase phase) internal pure returns (Move) {
        bool isIdle = phase == Phase.IDLE;
        bool isErrored = phase == Phase.ERRORED;
        if (v != 0) return isIdle || isErrored || phase == Phase.BOUNDARY ? Move.KEEP : Move.STEP;
        if (j & ((1 << UNIT_BITS) - 1) == 0) {
            if (!isIdle) return Move.ERR;
            return hasBatch ? Move.STEP : Move.KEEP;
        }
        if (isIdle || isErrored) return Move.KEEP;
        return phase == Phase.BOUNDARY ? Move.STEP : Move.ERR;
    }

    /// @dev A unit that has not ended at its last step never will: no reachable state gets there.
    function guard(Machine memory m, uint256 v) internal pure {
        if (v == LAST_STEP && m.phase != Phase.BOUNDARY && m.phase != Phase.IDLE) err(m);
    }

    /// @dev Make the machine ERRORED: only the unit remains.
    function err(Machine memory m) internal pure {
        m.phase = Phase.ERRORED;
        m.journalHash = 0;
    }
}
