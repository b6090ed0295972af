"""The watchtower: rebuilds the rollup from L1 alone and contests wrong assertions."""
