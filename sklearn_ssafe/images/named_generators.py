"""Generators that give themselves away in the text of a file."""

import re

# What to look for, in lower case, and what it means. The first that matches is taken.
_MARKS = [
    (r"invoke-?ai|sd-metadata", "InvokeAI"),
    (r"novelai", "NovelAI"),
    (r"fooocus", "Fooocus"),
    (r"comfyui|\"class_type\"", "ComfyUI"),
    (r"sd\.?next", "SD.Next"),
    (r"midjourney|job id: [0-9a-f-]{36}", "Midjourney"),
    (r"dall[-·. ]?e\b|openai|chatgpt|gpt-image", "OpenAI"),
    (r"adobe firefly", "Adobe Firefly"),
    (r"made with google ai|google generative ai|\bimagen \d|nano[- ]banana", "Google AI"),
    (r"ideogram", "Ideogram"),
    (r"leonardo\.ai", "Leonardo"),
    (r"\bflux[. -]?\d|black forest labs", "FLUX"),
    (r"steps: \d+, sampler:|stable[- ]?diffusion|automatic1111|\bsdxl\b", "Stable Diffusion"),
    (r"trainedalgorithmicmedia", "IPTC: trained algorithmic media"),
]
_PATTERNS = [(re.compile(pattern), name) for pattern, name in _MARKS]
# Keywords of PNG text that only programs for generation write.
_KEYWORDS = {"parameters": "Stable Diffusion", "workflow": "ComfyUI", "dream": "InvokeAI"}


def find_named_generator(texts):
    r"""Find the generator that a file's own text names.

    Parameters
    ----------
    texts : iterable of (str, str)
        Keyword and text of every piece of text in the file; the keyword may be "".

    Returns
    -------
    name : str
        Such as ``"Stable Diffusion"``; "" if none is named. No name proves nothing: most programs
        and every platform drop such text.

    Examples
    --------
    >>> find_named_generator([("parameters", "a cat\nSteps: 20, Sampler: Euler a")])
    'Stable Diffusion'
    >>> find_named_generator([("Software", "GIMP 2.10")])
    ''
    """
    texts = list(texts)
    everything = "\n".join(f"{keyword}: {text}" for keyword, text in texts).lower()
    for pattern, name in _PATTERNS:
        if pattern.search(everything):
            return name
    return next((_KEYWORDS[keyword] for keyword, _ in texts if keyword in _KEYWORDS), "")
