from .main import PyEVMBackend as PyEVMBackend
