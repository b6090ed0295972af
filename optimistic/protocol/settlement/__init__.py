"""Settlement of derivatives: the rules of the contracts in 0x42..20 to 28 as pure functions of integers.

Source: docs/spec/11-settlement.md
"""
