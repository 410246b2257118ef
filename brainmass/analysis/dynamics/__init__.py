"""Fixed points, phase planes, bifurcations, cycles and Lyapunov exponents of a model.

Everything is computed from the model's own ``equations`` and their exact derivatives, in double
precision whatever precision the simulation has, and compiled once per structure of a model:
another value of a parameter, an input or a state compiles nothing.
"""
