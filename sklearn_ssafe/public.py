"""Public names: each has one home, is loaded on first use, and is saved under that name."""

import re
from importlib import import_module
from textwrap import indent
from types import FunctionType

# Paragraphs of docstrings that many functions share. A line with nothing but {name} stands for one.
PARAGRAPHS = {
    "pos_label": """
pos_label : int, float, bool, str or None, default=None
    The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and 1,
    and knows words such as fake and photo.
""",
    "generator": """
generator : array-like of str, shape (n_samples,), or None, default=None
    What made each generated picture, ``""`` where unknown. Where missing, `source` stands in.
""",
    "source": """
source : array-like of str, shape (n_samples,), or None, default=None
    Where each real picture comes from, ``""`` where unknown.
""",
    "groups": """
groups : array-like of shape (n_samples,) or None, default=None
    Pictures that belong together, such as those of one scene, prompt or person.
""",
    "cv": """
cv : int, cross-validation splitter or iterable of (train, test), default=5
    An int is the most folds of `GeneratorGroupKFold`; fewer where there are fewer generators or
    sources. A splitter gets as groups what `keep_together` makes of generator, source and groups.
""",
    "n_resamples": """
n_resamples : int, default=1000
    Bootstrap resamples. 0 leaves the intervals out, which is much faster.
""",
    "confidence_level": """
confidence_level : float, default=0.95
    Coverage of the intervals.
""",
    "random_state": """
random_state : int, RandomState instance or None, default=0
    Seed of the bootstrap.
""",
    "y": """
y : array-like of shape (n_samples,)
    Labels of two classes.
""",
    "y_true": """
y_true : array-like of shape (n_samples,)
    Labels of two classes.
""",
    "y_score": """
y_score : array-like of float, shape (n_samples,)
    Higher means more likely generated.
""",
    "ax": """
ax : matplotlib.axes.Axes or None, default=None
    Where to draw; None makes a figure.
""",
}


def public(home):
    """Pin a class or function to the public module it is imported from.

    Pickles and saved detectors hold this name, so that the files behind it may move.
    """

    def pin(named):
        named.__module__ = home
        members = vars(named).values() if isinstance(named, type) else ()
        for documented in (named, *(getattr(member, "__func__", member) for member in members)):
            _fill_paragraphs(documented)
        return named

    return pin


class DocumentationLink:
    """Lets the HTML representation of a public estimator link to its page of the documentation."""

    _doc_link_module = __package__
    _doc_link_template = (
        "https://sklearn-ssafe.readthedocs.io/stable/api/generated/"
        "{estimator_module}.{estimator_name}.html"
    )


def _fill_paragraphs(documented):
    if isinstance(documented, type | FunctionType) and documented.__doc__:
        documented.__doc__ = re.sub(
            rf"^( *){{({'|'.join(PARAGRAPHS)})}}$",
            lambda match: indent(PARAGRAPHS[match[2]].strip("\n"), match[1]),
            documented.__doc__,
            flags=re.MULTILINE,
        )


def lazy(package, modules, subpackages=()):
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of a package.

    `modules` maps each public name to the module below `package` that holds it.
    """
    names = sorted([*modules, *subpackages])

    def get(name):
        if name in subpackages:
            return import_module(f"{package}.{name}")
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return names, get, lambda: names


def homes():
    """Map each public class, function and error to the module it is imported from."""
    package = import_module(__package__)
    rooms = {room: import_module(f"{__package__}.{room}") for room in package.ROOMS}
    found = {name: module.__name__ for module in rooms.values() for name in module.__all__}
    return found | dict.fromkeys(set(package.__all__) - set(rooms), __package__)
