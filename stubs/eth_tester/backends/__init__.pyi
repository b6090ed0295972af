from .pyevm import PyEVMBackend as PyEVMBackend
