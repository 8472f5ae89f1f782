"""What may fail."""

KINDS = ("crash", "hang", "memory", "rows lost", "wrong")


class Fault(Exception):
    """Something that must not be: a row that is lost, or a wrong verdict."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind
