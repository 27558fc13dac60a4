from .certificate import draw_calibration, draw_log_ratios, draw_wealth
from .column_differences import Difference, rank_columns
from .film import FILM_SUFFIXES, encode_film
from .ground_truth import draw_ground_truth
from .image_grid import (
    draw_image_grid,
    draw_nearest,
    encode_image_grid,
    encode_image_grid_film,
    encode_images,
    find_nearest,
)
from .overview import (
    IMAGES_SHOWN,
    MOST_HISTOGRAMS,
    AnyRows,
    draw_arrays,
    draw_images,
)
from .regions import draw_regions
from .steps import draw_steps
from .style import encode_figure
from .tables import MOST_MARGINALS, draw_marginals, draw_pairs
from .training_curves import (
    draw_evaluations,
    draw_training_curves,
    informative_evaluations,
)

__all__ = [
    "FILM_SUFFIXES",
    "IMAGES_SHOWN",
    "MOST_HISTOGRAMS",
    "MOST_MARGINALS",
    "AnyRows",
    "Difference",
    "draw_arrays",
    "draw_calibration",
    "draw_evaluations",
    "draw_ground_truth",
    "draw_image_grid",
    "draw_images",
    "draw_log_ratios",
    "draw_marginals",
    "draw_nearest",
    "draw_pairs",
    "draw_regions",
    "draw_steps",
    "draw_training_curves",
    "draw_wealth",
    "encode_figure",
    "encode_film",
    "encode_image_grid",
    "encode_image_grid_film",
    "encode_images",
    "find_nearest",
    "informative_evaluations",
    "rank_columns",
]
