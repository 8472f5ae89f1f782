"""Recognise a user's own code: what it is made of, as one hash.

A function or a module of the user's has no version and no hash of its own, but its embeddings may
only be kept if a change to it is noticed. So everything it is made of is walked through: the byte
code of its functions, their closures and the globals they use, classes, attributes and tensors.
"""

import dis
import functools
import hashlib
import io
import logging
import re
import sys
import threading
import types
from collections import deque
from enum import Enum
from pathlib import PurePath

import numpy as np

_PLAIN = (type(None), bool, int, float, complex, str, bytes, range, slice, type(...))
_PLAIN += (re.Pattern, PurePath, np.generic, np.dtype)
# These do something beside the computing and hold no setting of it.
_TOOLS = (logging.Logger, io.IOBase, type(threading.Lock()), type(threading.RLock()))
_CONTAINERS = (list, tuple, set, frozenset, dict, deque)
_MOST_NESTED = 20


class NotRecognisableError(ValueError):
    """Nobody could notice a change to this encoder, so nothing of it can be kept."""


def hash_of_code(*objects, ignoring=frozenset()):
    """Hash what the embeddings of a user's own code depend on.

    Parameters
    ----------
    *objects : object
        Functions, modules, settings.
    ignoring : set of (int, str)
        Members, as ``(id(owner), name)``, that do not count.

    Returns
    -------
    digest : str
        64 hexadecimal digits. They change with the version of Python, whose byte code they hash.

    Raises
    ------
    NotRecognisableError
        When something keeps its state where it cannot be seen.
    """
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for line in _Walk(objects, ignoring).lines:
        digest.update(line.encode())
    return digest.hexdigest()


def members_that_change(objects, run, ignoring=frozenset()):
    """Call `run` and find what it changes: counters and logs, which are results and no settings.

    Parameters
    ----------
    objects : sequence
        As for `hash_of_code`.
    run : callable
        Uses them once.
    ignoring : set of (int, str)
        Members that need no look.

    Returns
    -------
    result : object
        What `run` returned.
    changing : frozenset
        To be ignored by `hash_of_code` as long as the objects live.
    """
    before = _members(objects, ignoring)
    result = run()
    after = _members(objects, ignoring)
    owners = {owner for owner, _ in before}
    known = {key for key in before.keys() | after.keys() if key[0] in owners}
    return result, frozenset(key for key in known if before.get(key) != after.get(key))


def hash_of_tensors(named):
    """Hash tensors with their names, types and shapes.

    Parameters
    ----------
    named : iterable of (str, torch.Tensor)

    Returns
    -------
    digest : str
        SHA-256 as 64 hexadecimal digits.
    """
    import torch

    digest = hashlib.sha256()
    for name, tensor in named:
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def _members(objects, ignoring):
    try:
        return _Walk(objects, ignoring).members
    except NotRecognisableError:
        return {}  # `hash_of_code` will say so


class _Walk:
    """Visit everything that `objects` are made of, in an order that does not depend on chance."""

    def __init__(self, objects, ignoring):
        self.members = {}
        self.lines = []
        self._ignoring = ignoring
        self._numbers = {}
        self._alive = []  # so that no two things get the same id
        self._waiting = deque()
        for number, value in enumerate(objects):
            self._member(None, number, value)
        while self._waiting:
            self._open(self._waiting.popleft())

    def _member(self, owner, name, value):
        key = (id(owner), name)
        if key in self._ignoring:
            return
        text = self._text(value)
        self.members[key] = text
        self.lines.append(f"{self._numbers.get(id(owner), '')} {name} = {text}\n")

    def _text(self, value, depth=0):
        if depth > _MOST_NESTED:
            raise NotRecognisableError("it holds lists in lists without end")
        if isinstance(value, Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, _PLAIN):
            return f"{type(value).__name__}:{value!r}"
        if isinstance(value, _CONTAINERS):
            return self._container_text(value, depth + 1)
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            content = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
            return f"array:{value.dtype} {value.shape} {content}"
        torch = sys.modules.get("torch")
        if torch is not None:
            if isinstance(value, torch.Tensor):
                return f"tensor:{hash_of_tensors([('', value)])}"
            if isinstance(value, (torch.dtype, torch.device, torch.memory_format)):
                return repr(value)
        if isinstance(value, types.CodeType):
            return self._code_text(value, depth)
        if isinstance(value, types.ModuleType):
            return f"module:{value.__name__} {getattr(value, '__version__', '')}"
        if isinstance(value, _TOOLS):
            return f"tool:{type(value).__qualname__}"
        named = isinstance(value, type | types.FunctionType)
        if (named and _of_a_library(value)) or isinstance(value, _BUILT_IN):
            return _library_text(value)
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._numbers)
            self._alive.append(value)
            self._waiting.append(value)
        return f"#{self._numbers[id(value)]}"

    def _container_text(self, value, depth):
        if isinstance(value, dict):
            items = value.items()
            parts = [f"{self._text(k, depth)}: {self._text(v, depth)}" for k, v in items]
        else:
            parts = [self._text(item, depth) for item in value]
        if isinstance(value, set | frozenset):
            parts.sort()
        return f"{type(value).__name__}[{', '.join(parts)}]"

    def _code_text(self, code, depth):
        consts = [self._text(const, depth + 1) for const in code.co_consts]
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        handlers = getattr(code, "co_exceptiontable", b"")
        return repr((code.co_code, names, consts, code.co_flags, handlers))

    def _open(self, value):
        """Note the members of one thing."""
        if isinstance(value, types.FunctionType):
            self._open_function(value)
        elif isinstance(value, type):
            self._open_class(value)
        elif isinstance(value, types.MethodType):
            self._member(value, "self", value.__self__)
            self._member(value, "function", value.__func__)
        elif isinstance(value, staticmethod | classmethod):
            self._member(value, "function", value.__func__)
        elif isinstance(value, property):
            self._member(value, "functions", (value.fget, value.fset))
        elif isinstance(value, functools.partial):
            self._member(value, "function", value.func)
            self._member(value, "arguments", (value.args, value.keywords))
        else:
            self._open_instance(value)

    def _open_class(self, kind):
        self._member(kind, "bases", kind.__bases__)
        # What own methods assign is a counter, or a default that each instance overrides.
        own = [base for base in kind.__mro__ if not _of_a_library(base)]
        methods = [m for base in own for m in vars(base).values()]
        functions = [m for m in methods if isinstance(m, types.FunctionType)]
        assigned = {name for f in functions for name in _names(f.__code__, "STORE_ATTR")}
        for name, member in sorted(vars(kind).items()):
            special = name.startswith("__") and name.endswith("__")
            is_state = special or name == "_abc_impl" or name in assigned
            if isinstance(member, types.FunctionType) or not is_state:
                self._member(kind, name, member)

    def _open_function(self, function):
        code = function.__code__
        self._member(function, "code", code)
        self._member(function, "defaults", (function.__defaults__, function.__kwdefaults__))
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                self._member(cell, name, cell.cell_contents)
            except ValueError as error:  # a cell that nothing has been put into yet
                if isinstance(error, NotRecognisableError):
                    raise
        for name in sorted(_names(code, "LOAD_GLOBAL")):
            if name in function.__globals__:
                self._member(function.__globals__, name, function.__globals__[name])
        for name, value in sorted(vars(function).items()):
            self._member(function, name, value)

    def _open_instance(self, value):
        self._member(value, "class", type(value))
        slots = [name for kind in type(value).__mro__ for name in _slots(kind)]
        if not hasattr(value, "__dict__") and not slots:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise NotRecognisableError(f"it uses a {kind}, which does not show what it holds")
        for name in slots:
            if hasattr(value, name):
                self._member(value, name, getattr(value, name))
        for name, member in getattr(value, "__dict__", {}).items():
            self._member(value, str(name), member)


_BUILT_IN = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    np.ufunc,
)


def _slots(kind):
    slots = kind.__dict__.get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else slots
    return [name for name in slots if name not in ("__dict__", "__weakref__")]


def _names(code, operation):
    """Return the names that an operation of the byte code is used with."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == operation}
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            names |= _names(const, operation)
    return names


def _of_a_library(value):
    """Whether a class or function was installed, so that its version stands for its code."""
    module = sys.modules.get(value.__module__)
    top = (value.__module__ or "").partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return True
    file = getattr(module, "__file__", None) or ""
    return bool({"site-packages", "dist-packages"} & set(PurePath(file).parts))


def _library_text(value):
    module = getattr(value, "__module__", None) or ""
    top = sys.modules.get(module.partition(".")[0])
    name = getattr(value, "__qualname__", getattr(value, "__name__", repr(value)))
    return f"library:{module}.{name} {getattr(top, '__version__', '')}"
