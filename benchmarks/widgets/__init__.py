"""Time from a key to what a person sees, in a real JupyterLab and a real browser."""
