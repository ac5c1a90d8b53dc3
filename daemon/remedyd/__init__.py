"""remedyd: audits, policies, an approval gate, proof and undo for Kubernetes workloads."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("remedyd")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
