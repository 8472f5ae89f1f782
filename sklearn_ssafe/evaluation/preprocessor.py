"""The step before every head of a comparison."""

from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .tidy_table import is_number


def make_preprocessor(given, picture_components):
    """Make the step before every head: scaled numbers, categories as 0 and 1, gaps filled.

    It is part of the pipeline, so it learns from the training part alone.

    Parameters
    ----------
    given : Input
        What it is for.
    picture_components : int or None
        How many principal components of an encoder's columns, each scaled to unit variance, stand
        beside columns of a table; None keeps the columns. Without a table they are always kept.

    Returns
    -------
    preprocessor : ColumnTransformer
        With pandas output.
    """
    beside = [column for column in given.table.columns if column not in set(given.picture_columns)]
    kinds = {column: is_number(given.table[column], column) for column in beside}
    steps = []
    if given.picture_columns:
        steps_of_pictures = [StandardScaler()]
        # A quarter of the pictures: a fold with few must still have more rows than components.
        n_components = min(picture_components or len(given.table.columns), len(given.table) // 4)
        if beside and picture_components and n_components < len(given.picture_columns):
            steps_of_pictures.append(PCA(n_components, whiten=True, random_state=0))
        steps.append(("picture", make_pipeline(*steps_of_pictures), given.picture_columns))
    if numbers := [column for column, numeric in kinds.items() if numeric]:
        fill = SimpleImputer(strategy="median", keep_empty_features=True)
        steps.append(("number", make_pipeline(fill, StandardScaler()), numbers))
    if words := [column for column, numeric in kinds.items() if not numeric]:
        one_hot = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=2,
            sparse_output=False,
            feature_name_combiner=name_category,
        )
        steps.append(("category", one_hot, words))
    made = ColumnTransformer(steps, verbose_feature_names_out=False)
    return made.set_output(transform="pandas")


def name_category(column, category):
    """Name the column of a category.

    Parameters
    ----------
    column : str
        Where it stands.
    category : object
        Its value.

    Returns
    -------
    name : str
        For example ``"device=phone"``.
    """
    return f"{column}={category}"
