"""What gives the class away without looking at the picture."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "Finding": "result",
        "LeakAudit": "result",
        "LeakAuditDisplay": "display",
        "audit_leaks": "audit",
        "equalize": "equalizing",
    },
)
