"""The engine: compiled programs, the chunk loop, delayed coupling in blocks, random streams."""

from .cache import clear_cache, compile_count

__all__ = ["clear_cache", "compile_count"]
