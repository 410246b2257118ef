"""Networks: one neural mass per region, coupled through a connectome with delays."""

from ._network import Network

__all__ = ["Network"]
