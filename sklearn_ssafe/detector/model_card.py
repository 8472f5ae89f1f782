"""The page about a detector that lies in its folder, as model hubs show it."""

import math

from ..encoders.catalogue import list_encoders
from ..encoders.names import SOURCE, is_folder, resolve_name
from ..metrics.report_rows import FEW_PICTURES, SMALL_PICTURES
from ..results import visible


def model_card(settings):
    """Return the card in Markdown, from what is in ``detector.json``."""
    return "\n".join(
        [
            "---",
            "library_name: sklearn-ssafe",
            "pipeline_tag: image-classification",
            "tags:",
            "- ai-generated-image-detection",
            "- scikit-learn",
            "- skops",
            "---",
            "",
            "# Detector of generated pictures",
            "",
            *_summary(settings),
            "",
            *_training(settings),
            "",
            *_threshold(settings),
            "",
            *_verdicts(settings),
            *_encoder(settings),
            "",
            *_disclosure(settings),
            "",
            *_limits(),
            "",
            *_use(settings),
            "",
        ]
    )


def _summary(settings):
    labels = [repr(label) for label in settings["classes"]]
    return [
        f"Saved {settings['saved']} with sklearn-ssafe. Labels: {' and '.join(labels)}; "
        f"{settings['pos_label']!r} means generated.",
        "",
        f"- head: `{' '.join(settings['head'].split())}`",
        f"- {_choice(settings)}",
        *_copies(settings),
        *_columns(settings),
    ]


def _copies(settings):
    pairs = settings["parameters"].get("augment")
    if not pairs:
        return []
    changes = ", ".join(f"{name} {strength:g}" for name, strength in pairs)
    return [f"- and on changed copies of them, which are in no figure below: {changes}"]


def _columns(settings):
    if not settings.get("columns"):
        return []
    named = ", ".join(f"`{name}` ({kind})" for name, kind in settings["columns"]["kinds"].items())
    return [f"- judged together with the picture, from a table: {named}"]


def _choice(settings):
    if settings["prefit"]:
        return "not trained here"
    if settings["curator"]:
        return f"training pictures chosen by: `{settings['curator']}`"
    return "trained on all pictures that it was given"


def _training(settings):
    if settings["prefit"]:
        return [
            "## Training data",
            "",
            "The head was **fitted elsewhere** and taken as it is: nothing is known here of its "
            "training data, and no figures were measured.",
            "",
            f"Where it comes from: {settings['head_origin'] or 'not recorded'}.",
        ]
    table, scores = settings["training_table"], settings["out_of_fold"]
    lines = ["## Training data, and what was found when it was held out", ""]
    for side in ("real", "generated"):
        mine = [row for row in table if row["class"] == side]
        pictures, trained = (sum(row[key] for row in mine) for key in ("pictures", "trained_on"))
        origins = len({row["name"] for row in mine if row["name"] != "(unnamed)"})
        unit = "sources" if side == "real" else "generators"
        lines.append(f"- {side}: {pictures:,} pictures of {origins} named {unit}, {trained:,} used")
    if settings["n_failures"]:
        lines.append(f"- left out because they could not be read: {settings['n_failures']:,}")
    lines.append("")
    if scores is None:
        lines.append("There are **no held-out figures**: nothing was, or could be, held out.")
    else:
        lines.append(
            f"Held out in each of {scores['n_folds']} folds: {scores['held_out']}. Each fold has a "
            "head of its own, trained without what it was tested on. Mean over folds (standard "
            f"deviation): AUC {scores['auc'][0]:.3f} ({scores['auc'][1]:.3f}). All folds together: "
            f"{_percent(scores['fpr'])} of the real pictures and {_percent(scores['tpr'])} of the "
            "generated ones were called generated."
        )
    lines += [
        "",
        "| | generator or source | pictures | trained on | called generated | AUC |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in table:
        lines.append(
            f"| {row['class']} | {_in_a_cell(row['name'])} | {row['pictures']:,}{_mark(row)} | "
            f"{row['trained_on']:,} | "
            f"{_percent(row['called_generated'])} | {_number(row['auc'])} |"
        )
    if any(map(_mark, table)):
        lines += ["", SMALL_PICTURES.replace("*", "\\*")]
    return lines


def _mark(row):
    return " \\*" if row["pictures"] < FEW_PICTURES else ""


def _threshold(settings):
    point = settings["operating_point"]
    lines = ["## Threshold", ""]
    start = f"Pictures that score at least **{settings['threshold']:.6g}** are called generated."
    if point is None:
        return [*lines, f"{start} This threshold was given, not chosen from data."]
    done = settings["recalibration"]
    whose = "the out-of-fold scores of {} real pictures"
    if done is not None:
        whose = f"the scores of {{}} real pictures of the user's own, on {done['date']}"
    lines.append(
        f"{start} It was chosen from {whose.format(format(point['n_real'], ','))}, "
        f"so that at most {_percent(point['target_fpr'])} of real pictures are called generated: "
        f"{point['n_false']} of them were ({_percent(point['n_false'] / point['n_real'])})."
    )
    level = 0.95 if point["confidence_level"] is None else point["confidence_level"]
    lines.append(
        f"The upper bound of the rate is {_percent(point['fpr_upper_bound'])} at {level:.0%} "
        "confidence."
    )
    if point["fpr_upper_bound"] > point["target_fpr"]:
        lines.append(
            f"**The goal is not promised**: that needs at least {point['n_real_needed']:,} real "
            "pictures."
        )
    if done is not None:
        lines.append("It is about further pictures like these, and not about other cameras.")
        if done["n_failures"]:
            lines.append(f"{done['n_failures']:,} more could not be read.")
        lines.append(
            f"Until then the threshold was {done['threshold_before']:.6g}; the rates by generator "
            "and source above are at that of training. The head is as it was trained."
        )
        return lines
    if point.get("n_groups"):
        lines.append(f"It is about further sources like the {point['n_groups']} of the pictures.")
    else:
        lines.append("It is about further real pictures of the same sources, and not about others.")
    if settings["head"].startswith("FoldMajority"):
        lines.append("A picture is called generated where more than half of the folds' heads do.")
    else:
        lines.append(
            "The scores come from the heads of the folds; the head saved here was trained on all."
        )
    return lines


def _verdicts(settings):
    abstain, rule = settings["parameters"]["abstain"], settings["verdict_rule"]
    if abstain is None:
        return []
    lines = ["## Unsure", ""]
    if abstain == "stability" or (isinstance(abstain, dict) and abstain.get("stability")):
        lines += [
            "A picture is **unsure** if its verdict flips when it is saved as JPEG 85, resized by "
            "0.9 and back, or cropped to 0.9 of each side.",
            "",
        ]
    if rule is None:
        return lines
    low = min(rule["real_limit"], settings["threshold"])
    high = max(rule["generated_limit"], settings["threshold"])
    level = rule["confidence_level"]
    sure = (
        "on average" if level is None else f"for all of them at once, with {level:.0%} confidence"
    )
    lines += [
        f"Pictures that score less than {low:.6g} are called real, those that score at least "
        f"{high:.6g} generated, and those in between are **unsure**. Calibrated on the pictures "
        "below, which the head was not trained on, so that of the pictures of each real source at "
        f"most {_percent(rule['fpr'])} are called generated, and of those of each generator at "
        f"most {_percent(rule['fnr'])} real, {sure}. Nothing is promised for other cameras and "
        "generators, nor where the last column says no.",
        "",
        "| | generator or source | pictures | wrong | upper bound | unsure | promised |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in rule["promises"]:
        n = row["pictures"]
        lines.append(
            f"| {row['class']} | {_in_a_cell(row['name'])} | {n:,} | {_percent(row['rate'])} | "
            f"{_percent(row['upper_bound'])} | {_percent(row['unsure'] / n)} | "
            f"{'yes' if row['promised'] else 'no'} |"
        )
    return [*lines, ""]


def _in_a_cell(name):
    return visible(name, keep="").replace("|", "\\|")


def _encoder(settings):
    encoder = settings["encoder"]
    lines = ["## Encoder", ""]
    if encoder is None:
        return [*lines, f"None: it takes embeddings of {settings['n_features_in']} numbers."]
    chosen = ", ".join(f"{name}={value!r}" for name, value in encoder["settings"].items())
    lines += [
        f"- name: {encoder['name']}, {encoder['n_features']:,} features",
        f"- settings: `{chosen}`",
        f"- SHA-256 of its weights, in {encoder['precision']}: "
        f"{encoder['weights_hash'] or 'it has no weights'}",
        f"- licence of its weights: {licence_of(encoder)}",
        "",
        "Its weights are not in this folder.",
    ]
    return lines


def _disclosure(settings):
    """Say what those ask for who have to label generated pictures."""
    held_out = "in the table above" if settings.get("out_of_fold") else "**not measured**"
    return [
        "## For those who have to disclose (EU AI Act, Article 50)",
        "",
        f"- Error rates by real source and by generator: {held_out}.",
        "- Limits: below.",
        "- Marks (C2PA, IPTC, generators named in a file): **not looked at**. A verdict is of the "
        "picture alone. `ssafe predict --provenance` shows what a file claims beside the verdict.",
    ]


def _limits():
    return ["## Limits", "", A_SCORE_IS_NO_PROOF, ""] + [
        f"- **{heading}.** {text}" for heading, text in KNOWN_LIMITS
    ]


def _use(settings):
    versions = ", ".join(f"{name} {version}" for name, version in settings["versions"].items())
    return [
        "## Use",
        "",
        "```python",
        "from sklearn_ssafe import load_detector",
        "",
        'detector = load_detector("this folder")',
        _call(settings),
        "```",
        "",
        "No pickle is in this folder. Even so, load detectors of people that you trust.",
        "",
        f"Versions: {versions}.",
    ]


def _call(settings):
    if settings.get("columns"):
        names = ", ".join(["path", *settings["columns"]["kinds"]])
        return f"detector.predict(table)  # columns: {names}"
    return "detector.predict(paths)" if settings["encoder"] else "detector.predict(embeddings)"


def _percent(share):
    return "" if share is None or math.isnan(share) else f"{100 * share:.1f} %"


def _number(value):
    return "" if value is None or math.isnan(value) else f"{value:.3f}"


A_SCORE_IS_NO_PROOF = (
    "A score says how much a picture looks like the generated ones of the training set. It is no "
    "proof."
)

KNOWN_LIMITS = (
    (
        "New generators and new sources",
        "The figures are the ones to expect of generators and cameras like these. Others can be "
        "far worse.",
    ),
    (
        "Recapture",
        "A generated picture photographed from a screen, or printed and scanned, may lose its "
        "traces. A real one gains traces of the screen.",
    ),
    (
        "Heavy compression and messengers",
        "Strong JPEG, resizing and blur hide traces. Probes on PE-Core call 24.9 to 32.1 % of real "
        "pictures from social media generated (arXiv 2602.01738).",
    ),
    (
        "Local edits",
        "A photograph with a small generated part is mostly a photograph.",
    ),
    (
        "Reconstruction",
        "A photograph that went through the autoencoder of a diffusion model has its traces, "
        "though nothing in it was invented.",
    ),
    (
        "Rates are no probabilities of guilt",
        "Where few pictures are generated, most of those called generated are real even at a low "
        "false-positive rate.",
    ),
)
"""Heading and text, for cards and reports."""


def licence_of(encoder):
    """Say in words who may use an encoder's weights, or those of each of several."""
    names = encoder["settings"].get("encoder")
    if not isinstance(names, list):
        return _licence(names, encoder["settings"]["pretrained"])
    return "; ".join(f"{name}: {_licence(name, None)}" for name in names)


def _licence(name, tag):
    if name is None:
        return "that of a module of the author's own, which is not known here"
    if is_folder(name):
        return "unknown; see where the folder came from"
    library, name = resolve_name(name)
    if library == SOURCE:
        return f"unknown; see {name}"
    if library == "onnx":
        return "that of its ONNX file, which is not known here"
    if library == "timm":
        name, _, tag_in_name = name.partition(".")
        name, tag = f"timm/{name}", tag or tag_in_name
    table = list_encoders()
    known = table[table["encoder"] == name]
    if tag:
        known = known[known["pretrained"] == tag.lower().replace("-", "_")]
    if len(known) != 1:
        return "unknown; see `ssafe encoders`"
    row = known.iloc[0]
    source = f", as stated at {row['licence_source']}" if row["licence_source"] else ""
    return f"{row['licence']} (commercial use: {row['commercial_use']}{source})"
