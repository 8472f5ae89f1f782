"""Who is generated, by what, from where, and which pictures belong together."""

import math
from numbers import Number, Real

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .public import public

__all__ = ["keep_together"]


def is_missing(value):
    """Say whether a value is ``None``, NaN, ``NaT`` or ``pandas.NA``."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and math.isnan(value)


def as_name(value):
    r"""Write a generator, source or group as text, ``""`` where it is missing.

    The one rule of equality: two names are one name exactly if their texts are the same. So 1,
    1.0 and "1" are one name, as a column of whole numbers with gaps is read as floats, and as text
    from another file; so are "cam", ``np.str_("cam")`` and b"cam". Capitals and spaces count. A
    byte that is no UTF-8 is written as ``\udce9``, so that a name can always be printed.

    Examples
    --------
    >>> as_name(1) == as_name(1.0) == as_name("1") == as_name(np.int8(1)) == as_name(b"1") == "1"
    True
    >>> as_name(0.5), as_name(None), as_name(float("nan")), as_name(True)
    ('0.5', '', '', 'True')
    >>> as_name("sd\udce9") == as_name(b"sd\xe9") == r"sd\udce9"
    True
    """
    if isinstance(value, str):
        return str.__str__(value).encode("utf-8", "backslashreplace").decode()
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        return as_name(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, Number) and not isinstance(value, bool):
        try:
            whole = int(value)
        except (TypeError, ValueError, OverflowError):  # complex or infinite
            return str(value)
        if whole == value:
            return str(whole)
    return str(value)


GENERATED_WORDS = ("1", "true", "generated", "fake", "ai", "synthetic", "artificial")
REAL_WORDS = ("0", "false", "real", "photo", "photograph", "natural", "nature", "authentic")
_LABELS = {**dict.fromkeys(REAL_WORDS, 0), **dict.fromkeys(GENERATED_WORDS, 1)}


def parse_labels(values, where, rows=None):
    """Turn words into 0 (real) and 1 (generated); an error names `where` they are, and the row."""
    labels = [_LABELS.get(value.lower()) for value in values]
    unknown = [row for row, label in enumerate(labels) if label is None]
    if unknown:
        seen = list(dict.fromkeys(values[row] for row in unknown))
        shown = ", ".join(repr(value) if value else "empty cells" for value in seen[:5])
        shown += " …" if len(seen) > 5 else ""
        first = f"data row {unknown[0] + 1}" if rows is None else f"row {rows[unknown[0]]}"
        raise ValueError(
            f"{len(unknown)} of {len(values)} labels in {where} are not understood: {shown} "
            f"(first in {first}). "
            f"Real is one of {', '.join(REAL_WORDS)}; "
            f"generated is one of {', '.join(GENERATED_WORDS)}."
        )
    return labels


def is_generated(y, pos_label=None):
    """Turn labels of two classes into True (generated) and False (real).

    None as `pos_label` takes the larger of two numbers, and knows words such as fake and photo.

    Examples
    --------
    >>> is_generated(["real", "fake", "real"])
    array([False,  True, False])
    >>> is_generated(["taken", "made", "taken"], pos_label="made")
    array([False,  True, False])
    """
    y = column_or_1d(y)
    classes = np.unique(y)
    if len(classes) != 2:
        found = "1 class" if len(classes) == 1 else f"{len(classes)} classes"
        raise ValueError(
            f"y must have two classes, real and generated pictures, and has {found}: "
            f"{classes.tolist()[:10]}"
        )
    return y == generated_label(classes, pos_label)


def generated_label(classes, pos_label=None):
    """Say which of two sorted labels means "generated"."""
    labels = classes.tolist()
    if pos_label is not None:
        if pos_label not in labels:
            raise ValueError(f"pos_label={pos_label!r} is none of the labels {labels}")
        return pos_label
    if not isinstance(labels[0], str | bytes):
        return labels[1]
    words = [as_name(label).lower() for label in labels]
    generated = [k for k, word in enumerate(words) if word in GENERATED_WORDS]
    real = [k for k, word in enumerate(words) if word in REAL_WORDS]
    if len(generated) == 1:
        return labels[generated[0]]
    if len(real) == 1 and not generated:
        return labels[1 - real[0]]
    raise ValueError(
        f"which of the labels {labels} means generated? Say so, such as pos_label={labels[1]!r}"
    )


def binary_labels(y, name):
    """Return the two sorted classes of a target, and the target as 0 and 1."""
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind != "binary":
        raise ValueError(
            f"Only binary classification is supported. The type of the target is {kind}."
        )
    classes, y = np.unique(y, return_inverse=True)
    if len(classes) != 2:
        raise ValueError(
            f"{name} needs two classes, real and generated, and y has one class only: "
            f"{classes[0]!r}"
        )
    return classes, y


@public("sklearn_ssafe.labels")
def keep_together(*labels):
    """Number the groups of pictures that must not be torn apart.

    Two pictures belong together if they share any of the labels, directly or through other
    pictures. Labels are the same if their texts are: 1, 1.0 and ``"1"`` are one label.

    Parameters
    ----------
    *labels : array-like of shape (n_samples,)
        For example generator, source and scene. ``None``, NaN and ``""`` mean "no label" and bind
        nothing.

    Returns
    -------
    groups : ndarray of int, shape (n_samples,)
        Numbers from 0, in order of first appearance.

    Examples
    --------
    >>> keep_together(["sdxl", "sdxl", "", ""], ["a", "b", "b", "c"])
    array([0, 0, 0, 1])
    """
    check_consistent_length(*labels)
    n_samples = len(labels[0])
    picture, node = [], []
    n_nodes = 0
    for values in labels:
        numbers = {}
        for row, name in enumerate(map(as_name, values)):
            if name:
                picture.append(row)
                node.append(n_nodes + numbers.setdefault(name, len(numbers)))
        n_nodes += len(numbers)
    size = n_samples + n_nodes
    # 32 bits: SciPy 1.11 takes no others here, and goes on with wrong groups.
    ends = np.array(picture, dtype=np.int32), np.array(node, dtype=np.int32) + np.int32(n_samples)
    links = coo_array(
        (np.ones(len(picture), dtype=bool), ends),
        shape=(size, size),
    )
    component = connected_components(links, directed=False)[1][:n_samples]
    _, first, number = np.unique(component, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


def resampling_units(name, groups, picture, sides):
    """Number what a bootstrap draws on each side, and say what it is.

    That is the largest units of which there are two or more: whole generators or sources, joined
    where they share a group; else groups; else pictures. Scores of one picture stay together.
    `sides` are masks.
    """
    found = []
    for side in sides:
        also = [] if groups is None else [groups[side]]
        choices = [(also, "groups")] if also else []
        if len(set(name[side]) - {""}) > 1:
            choices.insert(0, ([name[side], *also], "names"))
        for labels, word in [*choices, ([], "pictures")]:
            units = keep_together(*labels, picture[side])
            if units.max(initial=0) > 0 or word == "pictures":
                found.append((units, word))
                break
    return found


def numbered(groups):
    """Number the groups in the order of their names; a picture without one is one of its own."""
    names = [(name, -1) if name else ("", row) for row, name in enumerate(map(as_name, groups))]
    in_order = sorted(set(names))
    number = {name: position for position, name in enumerate(in_order)}
    return np.array([number[name] for name in names]), in_order


def held_out_groups(y, generator=None, source=None, groups=None):
    """Number which pictures are kept together; what cannot be held out is split by picture.

    `y` is 1 for generated. Whole generators and whole real sources are kept together where there
    are two or more, and whole `groups`. Numbers follow the names, not the order of rows.
    """
    name = names_of(y, generator, source)
    # A generator and a real source of the same name are two things.
    name = np.array(
        [f"{side} {label}" if label else "" for side, label in zip(y, name, strict=True)],
        dtype=object,
    )
    group = known_labels(len(y), groups)
    for value in (1, 0):
        mine = y == value
        if len(np.unique(name[mine & (name != "")])) < 2:
            name[mine] = ""
            if len(np.unique(group[mine])) < 2:
                group[mine] = ""
    by_name = sorted(range(len(y)), key=lambda row: (not name[row], name[row], group[row]))
    number = np.empty(len(y), dtype=np.intp)
    number[by_name] = keep_together(name[by_name], group[by_name])
    return number


def names_of(y, generator=None, source=None):
    """Name where each picture comes from, ``""`` where unknown.

    A generated picture has its generator, or where it has none its source; a real one its source.
    """
    n = len(y)
    return np.where(y == 1, known_labels(n, generator, source), known_labels(n, source))


def known_labels(n_samples, *columns):
    """Take each row's first label that is known, ``""`` where no column has one."""
    known = np.full(n_samples, "", dtype=object)
    for column in columns:
        if column is not None:
            names = np.array([as_name(value) for value in column], dtype=object)
            known = np.where(known == "", names, known)
    return known


def known_columns(n_samples, columns):
    """Take the labels of several columns at once, each as `known_labels` takes one."""
    return {name: known_labels(n_samples, values) for name, values in columns.items()}


def fill_groups(label, generator, source, group):
    """Name what must stay on one side of a split, for rows that do not say so themselves.

    The group where given; otherwise the source of a real picture and the generator of a generated
    one; otherwise the row alone. Each column has a text for each row, "" where unknown.
    """
    groups = []
    for row, (is_generated, made_by, comes_from, given) in enumerate(
        zip(label, generator, source, group, strict=True)
    ):
        kind, name = ("generator", made_by) if is_generated else ("source", comes_from)
        groups.append(given or (f"{kind}:{name}" if name else f"row:{row}"))
    return groups
