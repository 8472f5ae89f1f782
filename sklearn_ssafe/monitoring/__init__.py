"""Whether the pictures that come are still those the detector knows."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__, {"MonitorUpdate": "result", "NoveltyMonitor": "monitor"}
)
