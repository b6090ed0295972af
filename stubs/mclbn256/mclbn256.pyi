"""What this project uses of mclbn256: the loaded library itself."""

from ctypes import CDLL

MCLBN_COMPILED_TIME_VAR: int
loaded_libraries: dict[str, CDLL]
