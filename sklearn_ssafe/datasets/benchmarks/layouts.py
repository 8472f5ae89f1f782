"""The layouts that `load_benchmark` knows, each from where it is documented."""

from .layout import Layout

_PAIR = r"(?P<label>0_real|1_fake)"
_FORENSYNTHS_SOURCES = {
    "progan": "LSUN",
    "stylegan": "LSUN",
    "stylegan2": "LSUN",
    "biggan": "ImageNet",
    "stargan": "CelebA",
    "gaugan": "COCO",
    "whichfaceisreal": "FFHQ",
}

_ALL = (
    Layout(
        name="GenImage",
        shape="""\
ROOT/GENERATOR/train/ai/...          ROOT/GENERATOR/train/nature/...
ROOT/GENERATOR/val/ai/...            ROOT/GENERATOR/val/nature/...
GENERATOR: Midjourney, Stable Diffusion V1.4, Stable Diffusion V1.5, ADM, GLIDE, Wukong, VQDM,
BigGAN; between it and train or val one more folder may stand, such as imagenet_ai_0419_biggan.
The held-out pictures, unpacked from genimage_test.zip:
ROOT/test/GENERATOR_imagenet/ai/...  ROOT/test/GENERATOR_imagenet/nature/...
GENERATOR: adm, biggan, glide, midjourney, sdv4, sdv5, vqdm, wukong; ROOT/genimage_test/test/...
is read as well""",
        documented="github.com/GenImage-Dataset/GenImage, Readme.md",
        verified="yes; the folder in between, and genimage_test.zip, as other projects have them "
        "after unpacking",
        patterns=(
            r"(?P<subset>[^/]+)(/imagenet_[^/]+)?/(?P<split>train|val)/(?P<label>ai|nature)",
            r"(genimage_test/)?(?P<split>test)/(?P<subset>[^/]+?)(_imagenet)?/"
            r"(?P<label>ai|nature)",
        ),
        split="val",
        real_source={None: "ImageNet"},
        subsets=(
            "Midjourney",
            "Stable Diffusion V1.4",
            "Stable Diffusion V1.5",
            "ADM",
            "GLIDE",
            "Wukong",
            "VQDM",
            "BigGAN",
        ),
        aliases={
            "imagenetmidjourney": "midjourney",
            "sdv14": "stablediffusionv14",
            "sdv4": "stablediffusionv14",
            "imagenetai0419sdv4": "stablediffusionv14",
            "sdv15": "stablediffusionv15",
            "sdv5": "stablediffusionv15",
            "imagenetai0424sdv5": "stablediffusionv15",
            "imagenetai0508adm": "adm",
            "imagenetglide": "glide",
            "imagenetai0424wukong": "wukong",
            "imagenetai0419vqdm": "vqdm",
            "imagenetai0419biggan": "biggan",
        },
    ),
    Layout(
        name="ForenSynths",
        shape="""\
ROOT/train/CATEGORY/0_real/...       ROOT/train/CATEGORY/1_fake/...      (or train/progan/CATEGORY)
ROOT/val/CATEGORY/0_real/...         ROOT/val/CATEGORY/1_fake/...
ROOT/test/GENERATOR/0_real/...       ROOT/test/GENERATOR/1_fake/...
ROOT/test/GENERATOR/CATEGORY/0_real/...   (progan, stylegan, stylegan2, cyclegan)
GENERATOR: progan, stylegan, stylegan2, biggan, cyclegan, stargan, gaugan, crn, imle, seeingdark,
san, deepfake, whichfaceisreal""",
        documented="github.com/PeterWang512/CNNDetection, README.md (3); train/progan: "
        "github.com/WisconsinAIVision/UniversalFakeDetect, README.md",
        verified="yes; sources of real pictures: Wang et al. 2020, Table 1",
        patterns=(
            rf"(?P<split>train|val)/((?P<subset>progan)/)?[^/]+/{_PAIR}",
            rf"(?P<split>test)/(?P<subset>[^/]+)(/[^/]+)?/{_PAIR}",
        ),
        generator={"": "progan"},
        real_source={"": "LSUN", **_FORENSYNTHS_SOURCES},
        subsets=(
            "progan",
            "stylegan",
            "stylegan2",
            "biggan",
            "cyclegan",
            "stargan",
            "gaugan",
            "crn",
            "imle",
            "seeingdark",
            "san",
            "deepfake",
            "whichfaceisreal",
        ),
        aliases={"sitd": "seeingdark", "wfir": "whichfaceisreal"},
    ),
    Layout(
        name="UniversalFakeDetect",
        shape="""\
ROOT/imagenet/0_real/...             ROOT/laion/0_real/...
ROOT/GENERATOR/1_fake/...
GENERATOR: guided, ldm_200, ldm_200_cfg, ldm_100, glide_100_27, glide_50_27, glide_100_10, dalle.
ROOT is the unpacked folder diffusion_datasets; the GANs of this benchmark are ForenSynths'""",
        documented="github.com/WisconsinAIVision/UniversalFakeDetect, dataset_paths.py, README.md",
        verified="yes",
        patterns=(rf"(?P<subset>[^/]+)/{_PAIR}",),
        real_source={"imagenet": "ImageNet", "laion": "LAION-400M"},
        subsets=(
            "imagenet",
            "laion",
            "guided",
            "ldm_200",
            "ldm_200_cfg",
            "ldm_100",
            "glide_100_27",
            "glide_50_27",
            "glide_100_10",
            "dalle",
        ),
        paired=False,
    ),
    Layout(
        name="AIGCDetectBenchmark",
        shape="""\
ROOT/GENERATOR/0_real/...            ROOT/GENERATOR/1_fake/...
ROOT/GENERATOR/CATEGORY/0_real/...   (progan, stylegan, stylegan2, cyclegan)
GENERATOR: progan, stylegan, biggan, cyclegan, stargan, gaugan, stylegan2, whichfaceisreal, ADM,
Glide, Midjourney, stable_diffusion_v_1_4, stable_diffusion_v_1_5, VQDM, wukong, DALLE2.
Training uses ForenSynths' train folder""",
        documented="github.com/Ekko-zn/AIGCDetectBenchmark, eval_config.py and README.md",
        verified="yes; sources of real pictures: only those of ForenSynths are known",
        patterns=(rf"(test/)?(?P<subset>[^/]+)(/[^/]+)?/{_PAIR}",),
        real_source=_FORENSYNTHS_SOURCES,
        subsets=(
            "progan",
            "stylegan",
            "biggan",
            "cyclegan",
            "stargan",
            "gaugan",
            "stylegan2",
            "whichfaceisreal",
            "ADM",
            "Glide",
            "Midjourney",
            "stable_diffusion_v_1_4",
            "stable_diffusion_v_1_5",
            "VQDM",
            "wukong",
            "DALLE2",
        ),
    ),
    Layout(
        name="AIGIBench",
        shape="""\
ROOT/train/CATEGORY/0_real/...       ROOT/train/CATEGORY/1_fake/...      (ProGAN's categories)
ROOT/train/sdv1.4/0_real/...         ROOT/train/sdv1.4/1_fake/...
ROOT/val/...                         as train
ROOT/test/GENERATOR/0_real/...       ROOT/test/GENERATOR/1_fake/...
ROOT/test/GENERATOR/PART/0_real/...  ROOT/test/GENERATOR/PART/1_fake/...   (PART: any name)
GENERATOR: BlendFace, BLIP, CommunityAI, DALLE-3, E4S, FaceSwap, FLUX1-dev, GLIDE, Imagen3,
Infinite-ID, InstantID, InSwap, IP-Adapter, Midjourney, PhotoMaker, ProGAN, R3GAN, SD3, SDXL,
SimSwap, SocialRF, StyleGAN-XL, StyleGAN3, StyleSwim, WFIR (or Midjourney-V6, Infinite_ID ...).
ROOT may be the folder test itself""",
        documented="github.com/HorizonTEL/AIGIBench, README.md",
        verified="yes; names of the 25 test folders as in the official evaluation",
        patterns=(
            rf"(?P<split>train|val)/(?P<subset>[^/]+)/{_PAIR}",
            rf"(?P<split>val)/{_PAIR}",
            rf"((?P<split>test)/)?(?!(train|val|test)/)(?P<subset>[^/]+)(/[^/]+)?/{_PAIR}",
        ),
        generator={"car": "ProGAN", "cat": "ProGAN", "chair": "ProGAN", "horse": "ProGAN"},
        real_source={
            "car": "LSUN",
            "cat": "LSUN",
            "chair": "LSUN",
            "horse": "LSUN",
            "sdv1.4": "ImageNet",
        },
        subsets=(
            "BlendFace",
            "BLIP",
            "CommunityAI",
            "DALLE-3",
            "E4S",
            "FaceSwap",
            "FLUX1-dev",
            "GLIDE",
            "Imagen3",
            "Infinite-ID",
            "InstantID",
            "InSwap",
            "IP-Adapter",
            "Midjourney",
            "PhotoMaker",
            "ProGAN",
            "R3GAN",
            "SD3",
            "SDXL",
            "SimSwap",
            "SocialRF",
            "StyleGAN-XL",
            "StyleGAN3",
            "StyleSwim",
            "WFIR",
        ),
        aliases={
            "midjourneyv6": "midjourney",
            "imswap": "inswap",
            "styleswin": "styleswim",
            "flux1": "flux1dev",
            "whichfaceisreal": "wfir",
        },
    ),
    Layout(
        name="AIGI-Holmes",
        shape="""\
ROOT/TestSet/GENERATOR/0_real/...    ROOT/TestSet/GENERATOR/1_fake/...
GENERATOR: FLUX, Infinity, Janus, Janus-Pro-1B, Janus-Pro-7B, LlamaGen, PixArt-XL, SD35-L, Show-o,
VAR. ROOT may be the folder TestSet itself""",
        documented="github.com/wyczzy/AIGI-Holmes, README.md",
        verified="yes; sources of real pictures are not told",
        patterns=(rf"(TestSet/)?(?!TestSet/)(?P<subset>[^/]+)/{_PAIR}",),
        subsets=(
            "FLUX",
            "Infinity",
            "Janus",
            "Janus-Pro-1B",
            "Janus-Pro-7B",
            "LlamaGen",
            "PixArt-XL",
            "SD35-L",
            "Show-o",
            "VAR",
        ),
    ),
    Layout(
        name="NTIRE2026",
        shape="""\
ROOT/shard_NUMBER/images/NAME.jpg    ROOT/shard_NUMBER/labels.csv        (training)
ROOT/.../images/NAME.jpg             ROOT/.../val_labels.csv, val_hard_labels.csv   (validation)
with the columns image_name (with or without its suffix) and label (1 is generated)""",
        documented="given out to participants: NTIRE 2026, Robust AI-Generated Image Detection in "
        "the Wild",
        verified="as other projects have it after unpacking; generators and sources are not told",
        split="val",
        label_tables=True,
    ),
    Layout(
        name="Chameleon",
        shape="""\
ROOT/test/0_real/...                 ROOT/test/1_fake/...
(or the two folders right below ROOT)""",
        documented="given out by e-mail, see github.com/shilinyan99/AIDE, README.md and "
        "data/datasets.py (TestDataset)",
        verified="yes",
        patterns=(rf"((?P<split>test)/)?{_PAIR}",),
        generator={None: ""},
        real_source={None: "Chameleon"},
    ),
    Layout(
        name="WildRF",
        shape="""\
ROOT/train/0_real/...                ROOT/train/1_fake/...
ROOT/val/0_real/...                  ROOT/val/1_fake/...
ROOT/test/PLATFORM/0_real/...        ROOT/test/PLATFORM/1_fake/...
PLATFORM: reddit, twitter, facebook""",
        documented="github.com/barcavia/RealTime-DeepfakeDetection-in-the-RealWorld, README.md",
        verified="yes",
        patterns=(
            rf"(?P<split>train|val)/{_PAIR}",
            rf"(?P<split>test)/(?P<subset>(?P<source>[^/]+))/{_PAIR}",
        ),
        generator={None: ""},
        subsets=("reddit", "twitter", "facebook"),
    ),
    Layout(
        name="Synthbuster",
        shape="""\
ROOT/GENERATOR/...                   GENERATOR: dalle2, dalle3, firefly, glide, midjourney-v5,
stable-diffusion-1-3, stable-diffusion-1-4, stable-diffusion-2, stable-diffusion-xl
ROOT/real/...                        RAISE-1k, which is downloaded by itself""",
        documented="zenodo.org/records/10066460 and github.com/qbammey/synthbuster, readme.md",
        verified="yes; the folder real is ours",
        patterns=(r"(?P<label>real)", r"(?P<subset>[^/]+)"),
        real_source={None: "RAISE-1k"},
        subsets=(
            "dalle2",
            "dalle3",
            "firefly",
            "glide",
            "midjourney-v5",
            "stable-diffusion-1-3",
            "stable-diffusion-1-4",
            "stable-diffusion-2",
            "stable-diffusion-xl",
        ),
        paired=False,
    ),
    Layout(
        name="CommunityForensics",
        shape="""\
ROOT/.../NAME.parquet, in any folders, with the columns image_data (bytes; or image, with bytes and
path), label (1 generated), model_name, real_source, split, subset; also architecture""",
        documented="huggingface.co/datasets/OwensLab/CommunityForensics; "
        "github.com/JeongsooP/Community-Forensics, dataloader.py",
        verified="columns: yes; values of model_name for real pictures: not verified, not used",
        columns={
            "image": ("image_data", "image"),
            "label": "label",
            "generator": "model_name",
            "source": "real_source",
            "split": "split",
            "subset": "subset",
        },
        more_columns=("architecture",),
    ),
    Layout(
        name="OpenFake",
        shape="""\
ROOT/core/train-*.parquet            ROOT/core/validation-*.parquet
ROOT/core/test-*.parquet             ROOT/reddit/test-*.parquet
(earlier: ROOT/data/train-*.parquet, ROOT/data/test-*.parquet), with the columns image, label
(real or fake), model; the second version also has type and release_date""",
        documented="huggingface.co/datasets/ComplexDataLab/OpenFake; github.com/vicliv/OpenFake, "
        "experiments/data/hf_dataset.py",
        verified="files and columns: yes; sources of real pictures are not in the columns",
        columns={"image": "image", "label": "label", "generator": "model"},
        more_columns=("type", "release_date"),
    ),
    Layout(
        name="RealWorldBench",
        shape="""\
ROOT/real/SOURCE/...                 ROOT/fake/GENERATOR/...             (or generated)""",
        documented="nowhere: no release was found (SSAFE, arXiv 2606.08634)",
        verified="no: this layout is ours",
        patterns=(
            r"(?P<label>real)(/(?P<source>[^/]+))?",
            r"(?P<label>fake|generated)(/(?P<subset>[^/]+))?",
        ),
        paired=False,
    ),
)
LAYOUTS = {layout.name: layout for layout in _ALL}
"""By name."""
