"""The stages of the flow: each a small object with one method, listed in `loop.py`."""
