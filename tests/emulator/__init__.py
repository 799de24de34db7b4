"""A GPU without a GPU: CUDA C compiled for the host, and a stand-in for CuPy over NumPy."""
