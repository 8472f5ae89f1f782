"""The examples of every public docstring run, and every parameter is described.

pytest's own ``--doctest-modules`` passes over whatever says that it is of another module, as public
classes and functions do.
"""

import doctest
import inspect
import re
from importlib import import_module

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

from sklearn_ssafe.public import homes

OBJECTS = {
    f"{home}.{name}": getattr(import_module(home), name) for name, home in sorted(homes().items())
}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
# Missing docstring or summary; parameters missing, unknown, out of order or without a word;
# no section on what is returned or yielded, or nothing said of it.
CODES = {"GL08", "SS01", "PR01", "PR02", "PR03", "PR07", "RT01", "RT03", "YD01"}
# Its docstrings are part of what tells one version of its formulas from another.
HASHED = {f"sklearn_ssafe.encoders.ForensicEncoder.{name}" for name in ("prepare", "encode")}


def parts(obj):
    """Members that the detector has of bases which are there for its sake alone."""
    for base in obj.__mro__[1:]:
        if base.__module__.startswith("sklearn_ssafe.detector."):
            yield from vars(base).items()


def examples():
    for path, obj in OBJECTS.items():
        known = {"np": np, path.rpartition(".")[2]: obj}
        found = doctest.DocTestFinder().find(obj, path, module=False, globs=known)
        for name, value in parts(obj) if inspect.isclass(obj) else ():
            value = getattr(value, "__func__", value)
            if inspect.isfunction(value):
                where = f"{path}.{name}"
                found += doctest.DocTestFinder().find(value, where, module=False, globs=known)
        yield from (test for test in found if test.examples)


def documented():
    """Names of public objects and of the methods and properties that a class itself adds."""
    for path, obj in OBJECTS.items():
        yield path
        for name, value in [*vars(obj).items(), *parts(obj)] if inspect.isclass(obj) else ():
            value = getattr(value, "__func__", value)
            own = inspect.isfunction(value) or isinstance(value, property)
            if own and not name.startswith("_") and f"{path}.{name}" not in HASHED:
                yield f"{path}.{name}"


EXAMPLES = list(examples())
DOCUMENTED = list(documented())


def test_examples_and_methods_are_found():
    with_examples = {test.name for test in EXAMPLES}
    assert {"sklearn_ssafe.SSAFEClassifier", "sklearn_ssafe.audit_leaks"} <= with_examples
    methods = ("paper", "recalibrate")
    assert {f"sklearn_ssafe.SSAFEClassifier.{name}" for name in methods} <= with_examples
    assert "sklearn_ssafe.detector.Explanation.overlay" in DOCUMENTED


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_examples(test):
    report = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("path", OBJECTS)
def test_what_an_example_imports_is_public(path):
    modules = re.findall(r"(?:from|import) (sklearn_ssafe[\w.]*)", inspect.getdoc(OBJECTS[path]))
    assert set(modules) <= {"sklearn_ssafe", *homes().values()}


@pytest.mark.parametrize("path", DOCUMENTED)
def test_docstrings_describe_the_signature(path):
    wrong = {code: text for code, text in validate(path)["errors"] if code in CODES}
    obj = OBJECTS.get(path)
    fields = hasattr(obj, "__dataclass_fields__")
    if "PR01" in wrong and (fields or (inspect.isclass(obj) and issubclass(obj, Exception))):
        # Nobody makes these but this package: what they are made of are their attributes.
        attributes = ", ".join(each.name for each in ClassDoc(obj)["Attributes"]).split(", ")
        if set(inspect.signature(obj).parameters) - {"message"} <= set(attributes):
            del wrong["PR01"]
    assert not wrong
