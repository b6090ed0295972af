"""What the precompiled contracts compute, for both engines; which calls fail and what they cost is theirs."""
