"""The dispute game: its rules as values and functions, and the moves of an honest player.

Twins: solidity/src/dispute/DisputeGame.sol, solidity/src/libraries/Divergences.sol
Source: docs/spec/10-dispute-game.md
"""
