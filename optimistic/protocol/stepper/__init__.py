"""The flat EVM step machine: the semantics that L1 can check one step of."""
