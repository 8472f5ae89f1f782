import ast
import inspect
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path

import pytest

import sklearn_ssafe
from sklearn_ssafe.public import homes

HEAVY = ["torch", "open_clip", "timm", "pandas", "sklearn", "PIL", "numpy"]


@pytest.mark.parametrize(
    "statement",
    ["import sklearn_ssafe", "from sklearn_ssafe.command_line.main import ssafe"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement):
    script = f"{statement}; import sys; print(*(m for m in {HEAVY} if m in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []


@pytest.mark.parametrize(("name", "home"), sorted(homes().items()))
def test_a_public_name_is_found_in_its_home_and_says_so(name, home):
    module = import_module(home)
    assert name in module.__all__
    assert name in dir(module)
    # The file of the forensic encoder is part of what tells one version from another.
    if name != "ForensicEncoder":
        assert getattr(module, name).__module__ == home


def test_no_name_has_two_homes():
    rooms = [import_module(f"sklearn_ssafe.{room}") for room in sklearn_ssafe.ROOMS]
    found = {}
    for module in (sklearn_ssafe, *rooms):
        for name in set(module.__all__) - set(sklearn_ssafe.ROOMS):
            found.setdefault(name, set()).add(id(getattr(module, name)))
    assert all(len(objects) == 1 for objects in found.values())


def test_the_top_level_is_for_beginners():
    names = set(sklearn_ssafe.__all__) - set(sklearn_ssafe.ROOMS)
    assert len(names) <= 16
    assert {"SSAFEClassifier", "FrozenEncoderTransformer", "load_detector"} <= names


def test_the_api_page_lists_exactly_the_public_names():
    path = Path(__file__).parents[1] / "docs" / "api.rst"
    listed, module = {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif module and (found := re.fullmatch(r"   ([A-Za-z_]\w*)", line)):
            assert found[1] not in listed
            listed[found[1]] = module
    assert listed == homes()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'FrozenEncoder'"):
        _ = sklearn_ssafe.FrozenEncoder


def test_shared_paragraphs_are_filled_in():
    public = [getattr(import_module(home), name) for name, home in homes().items()]
    members = [value for kind in public if isinstance(kind, type) for value in vars(kind).values()]
    texts = [inspect.getdoc(value) or "" for value in public]
    texts += [inspect.getdoc(getattr(value, "__func__", value)) or "" for value in members]
    assert not any(re.search(r"^ *\{\w+\}$", text, re.MULTILINE) for text in texts)
    assert sum("such as fake and photo" in text for text in texts) >= 8
    # As deep as the entries around it.
    text = inspect.getdoc(sklearn_ssafe.cross_val_report)
    assert "\npos_label : int, float, bool, str or None, default=None\n    The label" in text


def test_one_default_encoder():
    from sklearn_ssafe.command_line.main import ssafe
    from sklearn_ssafe.encoders.loading import load_encoder

    called = (
        sklearn_ssafe.FrozenEncoderTransformer,
        sklearn_ssafe.SSAFEClassifier,
        sklearn_ssafe.compare_detectors,
        load_encoder,
    )
    found = set()
    for each in called:
        parameters = inspect.signature(each).parameters
        default = parameters["encoders" if "encoders" in parameters else "encoder"].default
        found.add(default if isinstance(default, str) else default[0])
    for command in ssafe.commands.values():
        for option in command.params:
            if option.name == "encoder" and isinstance(option.default, str):
                found.add(option.default)
            if option.name == "encoders":
                found.add(re.search(r"default: (\w+)", option.help)[1])
    assert found == {"efficientnet_lite0"}


ROOMS_IN_ORDER = (
    ("exceptions", "labels", "plotting", "public", "results"),
    ("images",),
    ("encoders",),
    ("store",),
    ("encoding",),
    ("datasets",),
    ("model_selection",),
    ("metrics",),
    ("curation",),
    ("detector",),
    ("distributed",),
    ("monitoring",),
    ("leaks",),
    ("robustness",),
    ("comparison",),
    ("evaluation_page",),
    ("command_line",),
)


def imports():
    """Map each module of the package to the modules of it that it imports, wherever it does so."""
    root = Path(sklearn_ssafe.__file__).parent
    files = {}
    for path in root.rglob("*.py"):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        files[name.removesuffix(".__init__")] = path
    found = {module: set() for module in files}
    for module, path in files.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = resolve_name("." * node.level + (node.module or ""), package).rstrip(".")
            for alias in node.names:
                inside = f"{base}.{alias.name}"
                found[module].add(inside if inside in files else base)
    return found


def test_a_room_imports_only_from_rooms_above_it():
    place = {room: number for number, rooms in enumerate(ROOMS_IN_ORDER) for room in rooms}
    for module, imported in imports().items():
        if module == "sklearn_ssafe":
            continue
        mine = place[module.split(".")[1]]
        for other in imported - {"sklearn_ssafe"}:
            assert place[other.split(".")[1]] <= mine, f"{module} imports {other}"


def test_no_import_circle():
    graph = {module: others - {module} for module, others in imports().items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules
