"""CX Minute: what your customers went through, which promises were kept, and what to do next."""
