"""Public names: each has one home, is loaded on first use, and is saved under that name."""

from importlib import import_module


def public(home):
    """Pin a class or function to the public module it is imported from.

    Pickles and saved detectors hold this name, so that the files behind it may move.
    """

    def pin(named):
        named.__module__ = home
        return named

    return pin


class DocumentationLink:
    """Lets the HTML representation of a public estimator link to its page of the documentation."""

    _doc_link_module = __package__
    _doc_link_template = (
        "https://sklearn-ssafe.readthedocs.io/stable/api/generated/"
        "{estimator_module}.{estimator_name}.html"
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
