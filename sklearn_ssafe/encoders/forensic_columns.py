"""describe_features: what each column of the forensic encoder measures, in words.

Apart from the formulas, whose files are part of what tells one version of the encoder from another.
"""

import re

from ..public import public

_FILTERS = {
    "first_order": "first differences",
    "second_order": "second differences",
    "third_order": "third differences",
    "edge3x3": "3x3 edge residuals",
    "square3x3": "3x3 residuals",
    "square5x5": "5x5 residuals",
}
_MOMENTS = {
    "log_std": ("strength", "logarithm of the standard deviation"),
    "mean_abs_over_std": ("shape", "mean magnitude over standard deviation"),
    "log_kurtosis": ("peakedness", "logarithm of the kurtosis"),
    "zero_share": ("share of zeros", "share of values that are zero"),
    "tail_share": ("share of outliers", "share beyond three standard deviations"),
}
_WAYS = {
    "along": "along",
    "across": "across",
    "any_direction": "in any direction",
    "horizontal": "horizontal",
    "vertical": "vertical",
    "diagonal": "diagonal",
}
_FILTER, _MOMENT, _WAY = ("|".join(map(re.escape, each)) for each in (_FILTERS, _MOMENTS, _WAYS))
_NUMBERS = r"(?P<values>-?\d_-?\d_-?\d)"

# Each: a pattern of names, a label, and what it means. Groups are put in, as words.
_KINDS = [
    (
        rf"srm_half_scale_(?P<filter>{_FILTER})_cooc_(?P<way>{_WAY})_{_NUMBERS}",
        "neighbours {values} in {filter} {way} (half size)",
        "How often {filter} of brightness, rounded to -2 to 2, have the values {values} side by "
        "side, {way} the filter; pixels 2x2 averaged first",
    ),
    (
        rf"srm_half_scale_(?P<filter>{_FILTER})_residual_(?P<moment>{_MOMENT})",
        "{moment} of {filter} (half size)",
        "{moment_long} of {filter} of brightness; pixels 2x2 averaged first",
    ),
    (
        rf"cross_colour_(?P<half>half_scale_)?(?P<filter>{_FILTER})_cooc_rgb_{_NUMBERS}",
        "red green blue {values} in {filter}{half}",
        "How often {filter}, rounded to -2 to 2, are {values} in red, green and blue at one "
        "place{half_long}",
    ),
    (
        rf"(?P<colours>red|blue)_minus_green_(?P<filter>{_FILTER})_cooc_{_NUMBERS}",
        "neighbours {values} in {filter} of {colours} minus green",
        "How often {filter} of {colours} minus green, rounded, have the values {values} side by "
        "side",
    ),
    (
        r"spectrum_radial_(?P<low>[\d.]+)_to_(?P<high>[\d.]+)_cycles_per_px",
        "power at {low} to {high} cycles per pixel",
        "Power of brightness at frequencies of {low} to {high} cycles per pixel (0.5 is the "
        "finest of a row), against the middle ones",
    ),
    (
        r"spectrum_corner_above_(?P<low>[\d.]+)_cycles_per_px",
        "power above {low} cycles per pixel",
        "Power of brightness in the corners of the spectrum, above {low} cycles per pixel",
    ),
    (
        rf"spectrum_peak_(?P<fraction>\d+/\d+)_(?P<way>{_WAY})",
        "{way} peak at {fraction} cycles per pixel",
        "Power at {fraction} cycles per pixel, {way}, above its surroundings: enlarging leaves "
        "such peaks",
    ),
    (
        r"spectrum_slope",
        "slope of the spectrum",
        "How fast power falls with frequency; near 0 where as in most photographs",
    ),
    (
        r"spectrum_(?P<colours>red|blue)_minus_green_(?P<low>[\d.]+)_to_(?P<high>[\d.]+)_"
        r"cycles_per_px",
        "power of {colours} minus green at {low} to {high} cycles per pixel",
        "Power of {colours} minus green at {low} to {high} cycles per pixel of the picture at "
        "half size, against brightness",
    ),
    (
        r"dct_half_scale_8x8_u(?P<down>\d)_v(?P<right>\d)_log_mean_abs",
        "8x8 waves {down} down and {right} across",
        "Strength of the 8x8 cosine wave of vertical frequency {down} and horizontal frequency "
        "{right}, against all; pixels 2x2 averaged first",
    ),
    (
        r"dct_half_scale_8x8_all_log_mean_abs",
        "8x8 waves together",
        "Strength of all 8x8 cosine waves; pixels 2x2 averaged first",
    ),
    (
        r"dct_half_scale_8x8_first_digit_(?P<band>low|middle|high)_(?P<digit>\d)",
        "first digit {digit} of 8x8 waves of {band} frequency",
        "How far the share of coefficients that begin with {digit}, of {band} frequency, is from "
        "Benford's law",
    ),
    (
        rf"npr_(?P<filter>first|second)_difference_period_(?P<period>\d)_contrast_(?P<way>{_WAY})",
        "{way} steps every {period} pixels in {filter} differences",
        "Size of {filter} differences across the borders of blocks of {period} pixels, over that "
        "inside, {way}: enlarging leaves such steps",
    ),
    (
        rf"npr_equal_share_(?P<way>{_WAY})",
        "equal {way} neighbours",
        "Share of {way} neighbours that are exactly equal",
    ),
    (
        r"npr_2x2_(?P<place>right|below|diagonal)",
        "difference to the {place} pixel of a 2x2 block",
        "Size of the difference between the first pixel of a 2x2 block and that to the {place}",
    ),
    (
        r"residual_autocorrelation_dy(?P<down>\d)_dx(?P<right>\d)",
        "noise repeats {down} down and {right} across",
        "Correlation of the noise of brightness with itself, {down} pixels down and {right} across",
    ),
    (
        r"(?P<half>half_scale_)?colour_residual_correlation_(?P<one>[a-z]+)_(?P<other>[a-z]+)",
        "noise of {one} and {other} goes together{half}",
        "Correlation of the noise of {one} with that of {other}{half_long}",
    ),
    (
        r"(?P<half>half_scale_)?colour_residual_log_ratio_(?P<one>[a-z]+)_(?P<other>[a-z]+)",
        "noise of {one} over {other}{half}",
        "Logarithm of the strength of the noise of {one} over that of {other}{half_long}",
    ),
    (
        r"mosaic_(?P<one>[a-z]+)_phase_contrast",
        "colour mosaic in {one}",
        "How far the noise of {one} differs between the two halves of a checkerboard, as the "
        "colour mosaic of a camera makes it",
    ),
    (
        r"noise_log_std_percentile_(?P<percent>\d+)",
        "noise of the {percent} % block",
        "Noise of the 8x8 block that {percent} % of blocks stay below, against the median",
    ),
    (r"noise_log_std_median", "noise", "Median noise of 8x8 blocks, in logarithms"),
    (r"noise_log_std_spread", "spread of noise", "How unlike the noise of 8x8 blocks is"),
    (
        r"noise_level_brightness_(?P<low>\d+)_to_(?P<high>\d+)",
        "noise at brightness {low} to {high}",
        "Noise of quiet 8x8 blocks of brightness {low} to {high} (of 255), against all: that of a "
        "sensor grows with light",
    ),
    (
        r"noise_(?P<what>brightness|texture|neighbour)_correlation",
        "noise goes with {what}",
        "Correlation of the noise of 8x8 blocks with {what_long}",
    ),
    (r"noise_flat_block_share", "blocks without noise", "Share of 8x8 blocks without any noise"),
    (r"wavelet_level", "wavelet detail", "Strength of the finest detail, in logarithms"),
    (
        rf"wavelet_(?P<plane>\w+?)_scale(?P<scale>\d)_(?P<way>horizontal|vertical|diagonal)_"
        rf"(?P<moment>{_MOMENT})",
        "{moment} of {way} detail of {plane} at scale {scale}",
        "{moment_long} of {way} wavelet detail of {plane} at scale {scale}",
    ),
    (
        r"wavelet_(?P<plane>\w+?)_scale(?P<scale>\d)_(?P<way>horizontal|vertical|diagonal)_"
        r"(?P<other>horizontal|vertical|diagonal|parent)_magnitude_correlation",
        "{way} and {other} detail of {plane} go together at scale {scale}",
        "Correlation of the size of {way} wavelet detail of {plane} at scale {scale} with "
        "{other_long}",
    ),
    (
        r"lbp_(?P<half>half_scale_)?luma_(?P<pattern>[01]{8})_share",
        "ring pattern {pattern}{half}",
        "Share of pixels whose eight neighbours, read round the pixel, are darker (0) or at least "
        "as bright (1) as {pattern} says{half_long}",
    ),
    (
        r"colour_clipped_(?P<end>high|low)_(?P<one>[a-z]+)",
        "{one} clipped {end}",
        "Share of pixels at the {end} end of {one}",
    ),
    (
        r"colour_luma_share_(?P<low>\d+)_to_(?P<high>\d+)",
        "share of brightness {low} to {high}",
        "Share of pixels of brightness {low} to {high} (of 255)",
    ),
    (
        r"colour_histogram_roughness_(?P<one>[a-z]+)",
        "gaps between the values of {one}",
        "How much the histogram of {one} jumps from value to value, as after a change of contrast",
    ),
    (
        r"colour_correlation_(?P<one>[a-z]+)_(?P<other>[a-z]+)",
        "{one} and {other} go together",
        "Correlation of {one} and {other}",
    ),
    (r"colour_saturation_mean", "saturation", "Mean saturation of the colours"),
    (r"colour_saturation_std", "spread of saturation", "How unlike the saturation of pixels is"),
    (r"colour_grey_share", "grey pixels", "Share of pixels without colour"),
]
_CORRELATED = {
    "brightness": "their brightness",
    "texture": "their contrast",
    "neighbour": "that of the block beside",
}


@public("sklearn_ssafe.encoders")
def describe_features():
    """Say what each column of ``encoder="forensic"`` measures.

    The names of the columns are made for programs, and stay as they are; these are for people, in
    plots and tables.

    Returns
    -------
    table : pandas.DataFrame, n_features rows
        ``column``, as `FrozenEncoderTransformer.get_feature_names_out` has it; ``family``;
        ``label``, a few words, of which no two are the same and which LightGBM takes as names;
        ``meaning``, a sentence.

    Examples
    --------
    >>> from sklearn_ssafe.encoders import describe_features
    >>> table = describe_features().set_index("column")
    >>> table.loc["srm_half_scale_second_order_cooc_along_0_0_0", "label"]
    'neighbours 0 0 0 in second differences along (half size)'
    >>> table.loc["npr_equal_share_vertical", "meaning"]
    'Share of vertical neighbours that are exactly equal.'
    """
    import pandas as pd

    from .forensic import ForensicEncoder

    encoder = ForensicEncoder()
    rows = [
        (name, family, *_in_words(name))
        for name, family in zip(encoder.feature_names, encoder.feature_families, strict=True)
    ]
    return pd.DataFrame(rows, columns=["column", "family", "label", "meaning"])


def _in_words(name):
    for pattern, label, meaning in _KINDS:
        if found := re.fullmatch(pattern, name):
            words = _words(found.groupdict())
            text = meaning.format(**words)
            return label.format(**words), f"{text[0].upper()}{text[1:]}."
    raise KeyError(f"nothing is known of the column {name!r}")


def _words(parts):
    """Turn the parts of a name into words."""
    words = {name: part or "" for name, part in parts.items()}
    for name, known in (("filter", _FILTERS), ("way", _WAYS)):
        if name in words:
            words[name] = known.get(words[name], words[name])
    if "values" in words:
        words["values"] = words["values"].replace("_", " ")
    if "moment" in words:
        words["moment"], words["moment_long"] = _MOMENTS[words["moment"]]
    if "half" in words:
        words["half_long"] = "; pixels 2x2 averaged first" if words["half"] else ""
        words["half"] = " (half size)" if words["half"] else ""
    if "what" in words:
        words["what_long"] = _CORRELATED[words["what"]]
    if "plane" in words:
        words["plane"] = words["plane"].replace("luma", "brightness").replace("_", " ")
        if words.get("other") == "parent":
            words["other"], words["other_long"] = "coarser", "that at the next coarser scale"
        elif "other" in words:
            words["other_long"] = f"that of {words['other']} detail"
    for name in ("low", "high", "percent"):
        if re.fullmatch(r"0\d+", words.get(name, "")):
            words[name] = str(int(words[name]))
    return words
