"""Noise processes: sized like the model, attached to one of its inlets.

A process is declared by pure functions of bare arrays: ``prepare``, what a run computes once;
``start``, its state before the first step; and ``advance``, which turns standard normal numbers
into the value that is held during one step. The engine draws the numbers in blocks; calling the
process by hand draws for one step.
"""

from .base import Noise, NoiseRules
from .coloured import BlueNoise, ColoredNoise, PinkNoise, VioletNoise
from .processes import BrownianNoise, GaussianNoise, OUProcess, WhiteNoise

__all__ = [
    "BlueNoise",
    "BrownianNoise",
    "ColoredNoise",
    "GaussianNoise",
    "Noise",
    "NoiseRules",
    "OUProcess",
    "PinkNoise",
    "VioletNoise",
    "WhiteNoise",
]
