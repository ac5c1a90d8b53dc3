"""Kubernetes quantities as numbers: `250m` of CPU, `128Mi` of memory."""

from functools import lru_cache

_FACTORS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "E": 1e18, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
    "Ei": 2.0**60,
}  # fmt: skip
MEBIBYTE = 2**20


@lru_cache(maxsize=4096)
def quantity(text: str | int | float | None) -> float:
    """Return a quantity in its base unit (cores, bytes); None is 0; raise ValueError if broken."""
    if text is None:
        return 0.0
    if isinstance(text, int | float):
        return float(text)
    digits = text.rstrip("numkMGTPEi")
    return float(digits) * _FACTORS[text[len(digits) :]]


def mebibytes(amount: float) -> str:
    """Format bytes as a quantity in Mi, rounded up."""
    return f"{-int(-amount // MEBIBYTE)}Mi"
