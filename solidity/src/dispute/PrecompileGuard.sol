// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPrecompileGuard} from "../interfaces/IPrecompileGuard.sol";
import {IPrecompileProbe} from "../interfaces/IPrecompileProbe.sol";
import {PrecompileRunner} from "./osp/PrecompileRunner.sol";

/// @title The guard of the precompiles
/// @notice See IPrecompileGuard.
contract PrecompileGuard is IPrecompileGuard {
    /* IMMUTABLES */

    IPrecompileProbe public immutable PROBE;

    /* STORAGE */

    /// @inheritdoc IPrecompileGuard
    bool public isBroken;

    /* CONSTRUCTOR */

    constructor(address precompileProbe) {
        PROBE = IPrecompileProbe(precompileProbe);
    }

    /* PROBE */

    /// @inheritdoc IPrecompileGuard
    function probe() external {
        bool found;
        try PROBE.probe() {}
        catch (bytes memory reason) {
            // Anything else, above all too little gas, says nothing about L1.
            found = bytes4(reason) == PrecompileRunner.PrecompileBroken.selector;
            if (!found) _revertWith(reason);
        }
        if (found == isBroken) return;
        isBroken = found;
        emit PrecompilesJudged(found);
    }

    function _revertWith(bytes memory reason) internal pure {
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason)) // the reason as it came
        }
    }
}
