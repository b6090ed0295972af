// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPrecompileProbe} from "../../interfaces/IPrecompileProbe.sol";
import {PrecompileRules} from "./PrecompileRules.sol";
import {PrecompileRunner} from "./PrecompileRunner.sol";

/// @notice Runs one vector through each precompile of L1, exactly as the verifier would.
/// @dev Prices per word, per bit, per pair and per round outweigh the floor of the gas forwarded.
contract PrecompileProbe is IPrecompileProbe {
    /// @inheritdoc IPrecompileProbe
    function probe() external view {
        for (uint256 number = PrecompileRules.ECRECOVER; number <= PrecompileRules.POINT_EVALUATION; ++number) {
            if (number == PrecompileRules.IDENTITY) continue;
            (bytes memory input, bytes32 outputHash) = vector(number);
            (, uint256 cost) = PrecompileRules.price(0, true, number, input.length, input);
            (bool ok, bytes memory output) = PrecompileRunner.run(number, cost, input);
            if (!ok || keccak256(output) != outputHash) revert PrecompileRunner.PrecompileBroken(number);
        }
    }

    /// @inheritdoc IPrecompileProbe
    function vector(uint256 number) public pure returns (bytes memory input, bytes32 outputHash) {
        if (number == PrecompileRules.ECRECOVER) return _ecrecover();
        if (number == PrecompileRules.SHA256) {
            return (_fill(0xa5, 8_192), 0x84de9295867fd39b219fc7e5a4833de01f5f2305afe2fe2b4136602f2f349f62);
        }
        if (number == PrecompileRules.RIPEMD160) {
            return (_fill(0xa5, 1_024), 0xdbe29188935fc670e4a30697d0ba8793542730b028296e34b927e3b110c4541d);
        }
        if (number == PrecompileRules.MODEXP) {
            input = bytes.concat(abi.encode(64, 64, 64), _fill(0xa5, 128), _fill(0xb7, 64));
            return (input, 0x122272879bab5ff3c6969e99b6ea5f233cd09917979f6da4691599fc6643cfcf);
        }
        if (number == PrecompileRules.BLAKE2F) {
            input = bytes.concat(bytes4(uint32(20_000)), _fill(0xa5, 208), bytes1(0x01));
            return (input, 0x63e9cd712f91a515850daad5566b9fd6a74dd8379b193a464702978b26fd0a91);
        }
        if (number == PrecompileRules.POINT_EVALUATION) return _pointEvaluation();
        return _bn254(number);
    }

    /// @dev A signature with s = 1 whose r is the generator's x.
    function _ecrecover() private pure returns (bytes memory, bytes32) {
        return (
            abi.encode(_repeated(0x11), 27, 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798, 1),
            0x293cd89f58e6a8a9520f50dfcf585761db14d6f5f851fa773403de897f6e107a
        );
    }

    /// @dev G + 2G, a multiple of G, and e(G1, G2)·e(-G1, G2) = 1.
    function _bn254(uint256 number) private pure returns (bytes memory input, bytes32 outputHash) {
        if (number == PrecompileRules.BN254_ADD) {
            return (
                abi.encode(
                    1,
                    2,
                    0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3,
                    0x15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4
                ),
                0xcf55935de5ac139f4da3255d53cacb29f8411db302992b234053bb7a7deceda4
            );
        }
        if (number == PrecompileRules.BN254_MUL) {
            return
                (abi.encode(1, 2, _repeated(0xa5)), 0xcab2213ac39aa84ae992467a413ce792f38525df3f140953b2016cb3d9242566);
        }
        if (number != PrecompileRules.BN254_PAIRING) revert PrecompileRunner.NothingToRun(number);
        bytes memory twist = abi.encode(
            0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
            0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
            0x90689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b,
            0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa
        );
        uint256 minusTwo = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45;
        return (
            bytes.concat(abi.encode(1, 2), twist, abi.encode(1, minusTwo), twist),
            0xb10e2d527612073b26eecdfd717e6a320cf44b4afac2b0732d9fcbe2b7fa0cf6
        );
    }

    /// @dev An opening of the polynomial whose value at the i-th root of unity, in the order of a blob, is i + 1.
    function _pointEvaluation() private pure returns (bytes memory, bytes32) {
        return (
            abi.encodePacked(
                bytes32(0x01d50a91f3d499e2edd1fed6a705e0b3e0266a8f2d44762ef9914e69a01ec241),
                _repeated(0x25),
                bytes32(0x2b445a18db2060cc65821ce5d29b5df6ce25aac3244d5adbcc1267f1a9b99f9c),
                hex"a3c9330a06642467615c00ef352b887068536b670fd7bdae362414d378cf1b3a88fe3eb4264a88612814aecf8fd6acfc",
                hex"a9a139cbbc09308cb2e4607b9b76f1ffa7cea2cd5d8b802cc7b39750aa6bb81d0c724f3974db9ce2ef50592764902239"
            ),
            0xb2157d3a40131b14c4c675335465dffde802f0ce5218ad012284d7f275d1b37c
        );
    }

    /// @dev `length` times the same byte.
    function _fill(uint256 value, uint256 length) private pure returns (bytes memory filled) {
        filled = abi.encode(_repeated(value));
        while (filled.length < length) {
            filled = bytes.concat(filled, filled);
        }
        assembly ("memory-safe") {
            mstore(filled, length) // no longer than it is
        }
    }

    /// @dev A word of one byte, 32 times.
    function _repeated(uint256 value) private pure returns (bytes32) {
        return bytes32(value * (type(uint256).max / 0xff));
    }
}
