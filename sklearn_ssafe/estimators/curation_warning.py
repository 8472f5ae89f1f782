"""What is said when a pool cannot give the training set that was asked for."""


class CurationWarning(UserWarning):
    """The pool is smaller than asked for, or lopsided; what was chosen instead is said."""
