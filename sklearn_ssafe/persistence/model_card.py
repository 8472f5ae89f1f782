"""The page about a detector that lies in its folder, as model hubs show it."""

import math

from .encoder_licence import licence_of
from .known_limits import A_SCORE_IS_NO_PROOF, KNOWN_LIMITS


def model_card(settings):
    """Write the card.

    Parameters
    ----------
    settings : dict
        As in ``detector.json``.

    Returns
    -------
    text : str
        Markdown, with the head that model hubs read.
    """
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
            *_encoder(settings),
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
        f"- head: `{settings['head']}`",
        f"- training pictures chosen by: `{settings['curator']}`"
        if settings["curator"]
        else "- trained on all pictures that it was given",
    ]


def _training(settings):
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
        name = row["name"].replace("|", "\\|").replace("\n", " ")
        lines.append(
            f"| {row['class']} | {name} | {row['pictures']:,} | {row['trained_on']:,} | "
            f"{_percent(row['called_generated'])} | {_number(row['auc'])} |"
        )
    return lines


def _threshold(settings):
    point = settings["operating_point"]
    lines = ["## Threshold", ""]
    start = f"Pictures that score more than **{settings['threshold']:.6g}** are called generated."
    if point is None:
        return [*lines, f"{start} This threshold was given, not chosen from data."]
    lines.append(
        f"{start} It was chosen from the out-of-fold scores of {point['n_real']:,} real pictures, "
        f"so that at most {_percent(point['target_fpr'])} of real pictures are accused: "
        f"{point['n_false']} of them were ({_percent(point['n_false'] / point['n_real'])})."
    )
    level = 0.95 if point["confidence"] is None else point["confidence"]
    lines.append(
        f"The upper bound of the rate is {_percent(point['fpr_upper_bound'])} at {level:.0%} "
        "confidence (Clopper-Pearson), for real pictures like these."
    )
    if point["fpr_upper_bound"] > point["target_fpr"]:
        lines.append(
            f"**The goal is not promised**: that needs at least {point['n_real_needed']:,} real "
            "pictures."
        )
    lines.append(
        "The scores come from the heads of the folds; the head saved here was trained on all."
    )
    return lines


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
        "detector.predict(paths)" if settings["encoder"] else "detector.predict(embeddings)",
        "```",
        "",
        "No pickle is in this folder. Even so, load detectors of people that you trust.",
        "",
        f"Versions: {versions}.",
    ]


def _percent(share):
    return "" if share is None or math.isnan(share) else f"{100 * share:.1f} %"


def _number(value):
    return "" if value is None or math.isnan(value) else f"{value:.3f}"
