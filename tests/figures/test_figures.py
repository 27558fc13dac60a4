"""Facts of the figures: what is drawn beside what, on which scale."""

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection

import onehalf
from onehalf import figures
from onehalf._errors import Refusal
from onehalf.data.arrays.validation import numbered
from onehalf.distributions import Digits, Ring
from onehalf.evaluation.result import Calibration, Condition, LogRatios, Region, Share, Wealth

HISTORY = [
    {"t": 100, "V": [-1.0, -1.1], "gradient_D": [0.1, 0.2]},
    {
        "t": 200,
        "V": [-1.2, -1.3],
        "gradient_D": [0.3, 0.2],
        "jsd_estimate": [0.3, 0.2],
        "jsd_se": [0.02, 0.03],
        "jsd_lower": [0.2, 0.1],
        "null": {"jsd_estimate": 0.01, "jsd_se": 0.005, "jsd_lower": 0.0, "log_e": 0.0},
    },
    {
        "t": 300,
        "V": [-1.3, -1.3],
        "gradient_D": [0.3, 0.2],
        "jsd_estimate": [0.1, 0.15],
        "jsd_se": [0.02, 0.03],
        "jsd_lower": [0.05, 0.1],
    },
]


@pytest.fixture
def noise():
    return np.random.default_rng(0)


def draw(real, *others, names=()):
    """The figure of an array of data, and of samples beside it."""
    return figures.draw_arrays(
        dict(zip(("data", "samples"), (real, *others), strict=False)), names
    )


def draw_grids(real, *others):
    """The figure of images, and of samples beside them."""
    return figures.draw_images(dict(zip(("data", "samples"), (real, *others), strict=False)))


def test_clouds_have_equally_many_points_on_the_same_axes(noise):
    figure = draw(noise.normal(size=(300, 2)), noise.normal(5, 1, size=(5000, 2)))
    data, samples, *densities = figure.axes[:4]
    clouds = [
        next(c for c in axes.collections if isinstance(c, PathCollection))
        for axes in (data, samples)
    ]
    assert [len(cloud.get_offsets()) for cloud in clouds] == [300, 300]
    assert data.get_xlim() == samples.get_xlim() == densities[0].get_xlim()
    assert data.get_ylim() == samples.get_ylim() == densities[1].get_ylim()
    assert len({axes.images[0].get_clim() for axes in densities}) == 1


def test_densities_are_shares_of_the_rows(noise):
    figure = draw(noise.normal(size=(300, 2)), noise.normal(size=(900, 2)))
    for axes in figure.axes[2:4]:
        assert axes.images[0].get_array().sum() == pytest.approx(1)


def test_histograms_share_bins_and_sum_to_one(noise):
    figure = draw(noise.normal(size=(300, 1)), noise.normal(3, 1, size=(500, 1)))
    data, samples = (patch.get_data() for patch in figure.axes[0].patches)
    assert (data.edges == samples.edges).all()
    assert data.values.sum() == pytest.approx(1)
    assert samples.values.sum() == pytest.approx(1)


def test_whole_numbers_have_a_bin_each():
    figure = draw(np.array([[0], [1], [1], [3]]))
    assert figure.axes[0].patches[0].get_data().values.tolist() == [0.25, 0.5, 0, 0.25]


def test_whole_numbers_have_whole_ticks(noise):
    rows = noise.integers(0, 2, size=(50, 3)) + 100_000
    for axes in draw(rows).axes:
        places = axes.xaxis.get_major_locator()()
        assert axes.xaxis.get_major_formatter().format_ticks(places)[1:-1] == [
            "100000",
            "100001",
        ]


def test_pairs_of_whole_numbers_have_a_cell_each_and_are_scattered_within_it(noise):
    rows = np.stack([noise.integers(0, 2, 300), noise.integers(3, 8, 300)], axis=1)
    cloud, density, _ = draw(rows).axes
    places = cloud.collections[0].get_offsets()
    assert (np.rint(places) == rows).all()
    assert len(np.unique(places, axis=0)) == 300
    assert density.images[0].get_array().shape == (5, 2)
    assert density.images[0].get_extent() == [-0.5, 1.5, 2.5, 7.5]


def test_the_first_bin_begins_at_the_least_value_and_the_last_ends_at_the_greatest(noise):
    rows = noise.exponential(size=(300, 1))
    edges = draw(rows).axes[0].patches[0].get_data().edges
    assert (edges[0], edges[-1]) == (rows.min(), rows.max())


def test_of_many_columns_those_that_differ_most_are_drawn(noise):
    real, samples = noise.normal(size=(2, 200, 40))
    samples[:, 33] += 10
    names = [f"size {column}" for column in range(40)]
    drawn = [axes.get_title() for axes in draw(real, samples, names=names).axes]
    assert len(drawn) == figures.MOST_HISTOGRAMS
    assert "size 33" in drawn


def test_columns_without_names_are_called_as_in_a_measurement(noise):
    real, samples = noise.normal(size=(2, 50, 3))
    assert [axes.get_title() for axes in draw(real, samples).axes] == [
        "x1",
        "x2",
        "x3",
    ]
    assert draw(real[:, :2], samples[:, :2]).axes[0].get_xlabel() == "x1"
    found = onehalf.measure(real=real, other=samples)
    assert numbered((3,)) == tuple(column.name for column in found.audit.columns)
    found = onehalf.measure(real=real[:, :, None], other=samples[:, :, None])
    assert numbered((3, 1)) == tuple(column.name for column in found.audit.columns)


@pytest.mark.parametrize(("channels", "n"), [((), 3), ((1,), 64), ((3,), 10), ((4,), 100)])
def test_sheets_are_opaque_tiles_in_transparent_gaps(noise, channels, n):
    images = noise.integers(0, 255, size=(n, 8, 6, *channels), dtype=np.uint8)
    sheet = draw_grids(images).axes[0].images[0].get_array()
    assert sheet.shape[2] == 4
    if channels != (4,):
        assert (sheet[..., 3] == 255).sum() == min(n, figures.IMAGES_SHOWN) * 8 * 6


def test_brightness_is_the_datas_on_both_sheets():
    figure = draw_grids(np.array([[[0.0, 4.0]]]), np.array([[[2.0, 9.0]]]))
    data, samples = (axes.images[0].get_array()[0, :2, 0] for axes in figure.axes)
    assert data.tolist() == [0, 255]
    assert samples.tolist() == [128, 255]


def test_rows_that_are_not_finite_are_counted_and_left_out(noise):
    samples = noise.normal(size=(50, 2))
    samples[:7, 0] = np.nan
    assert (
        draw(noise.normal(size=(50, 2)), samples).axes[1].get_title()
        == "samples (7 rows not finite)"
    )
    for rows in (
        np.full((50, 2), np.inf),
        np.full((50, 3), np.nan),
        np.full((50, 4, 4), np.nan),
    ):
        picture = (draw_grids if rows.ndim == 3 else draw)(np.zeros_like(rows), rows)
        figures.encode_figure(picture, ".png")


def test_rows_of_another_shape_are_refused():
    with pytest.raises(Refusal, match="samples: expected rows of the data's shape"):
        draw(np.zeros((5, 2)), np.zeros((5, 3)))


@pytest.mark.parametrize(
    "rows", [Digits.rows(), np.ones((5, 1)), np.ones((1, 2)), np.zeros((4, 3), dtype=bool)]
)
def test_any_rows_can_be_drawn(rows):
    picture = (draw_grids if rows.ndim == 3 else draw)(rows)
    assert figures.encode_figure(picture, ".svg").startswith(b"<?xml")


def test_arrays_of_jax_can_be_drawn():
    import jax

    assert len(draw(Ring().sample(jax.random.key(0), 50)).axes) == 3


def test_a_name_of_another_kind_of_file_is_refused():
    with pytest.raises(Refusal, match=r"\.gif"):
        figures.encode_figure(draw(np.zeros((3, 1))), ".gif")


def test_the_chosen_game_is_strong_and_the_level_is_drawn():
    axes = figures.draw_training_curves(
        HISTORY, {"V": "V"}, label="nats", level=(-1.386, "-log 4"), chosen=1
    ).axes[0]
    pale, strong, level = axes.lines
    assert strong.get_ydata().tolist() == [-1.1, -1.3, -1.3]
    assert strong.get_alpha() is None
    assert pale.get_alpha() < 1
    assert level.get_ydata() == [-1.386, -1.386]


def test_evaluations_are_drawn_at_their_rounds_with_data_against_data():
    axes = figures.draw_evaluations(HISTORY, chosen=0, kept=300).axes[0]
    samples = next(line for line in axes.lines if line.get_marker() == "o")
    assert samples.get_xydata().tolist() == [[200, 0.3], [300, 0.1]]
    band = next(patch for patch in axes.patches if patch.get_label() == "data against data")
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((0.005, 0.015))
    lower = next(line for line in axes.lines if line.get_label() == "samples, at least")
    assert lower.get_xydata().tolist() == [[200, 0.2], [300, 0.05]]
    ring = next(line for line in axes.lines if line.get_label() == "G that is kept")
    assert ring.get_xydata().tolist() == [[300, 0.1]]


EMPTY = {"t": 250, "jsd_estimate": [0.0, 0.0], "jsd_se": [0.0, 0.0], "jsd_lower": [0.0, 0.0]}


def test_evaluations_without_a_number_are_not_drawn_as_zero():
    null = {"jsd_estimate": 0.0, "jsd_se": 0.0, "jsd_lower": 0.0, "log_e": 0.0}
    figure = figures.draw_evaluations([EMPTY | {"null": null}, *HISTORY[2:]], kept=250)
    axes = figure.axes[0]
    assert {tuple(line.get_xdata()) for line in axes.lines} == {(300,)}
    assert not axes.patches


def test_a_curve_of_one_point_has_a_marker():
    for history, marker in ((HISTORY[:1], "o"), (HISTORY, "None")):
        figure = figures.draw_training_curves(history, {"V": "V"}, label="nats")
        assert [line.get_marker() for line in figure.axes[0].lines] == [marker] * 2


LOG_RATIOS = LogRatios(edges=(-0.2, 0.1, 2.0), real=(0.3, 0.7), other=(0.6, 0.4))
CALIBRATION = Calibration(D=(0.3, 0.7), real=(0.2, 0.8))
WEALTH = Wealth(pairs=(1, 50), log_e=(0.5, 4.0))


def test_log_ratios_share_bars_and_say_which_side_is_which():
    axes = figures.draw_log_ratios(LOG_RATIOS, "other sample").axes[0]
    data, other = (patch.get_data() for patch in axes.patches)
    assert data.values.tolist() == [0.3, 0.7]
    assert other.values.tolist() == [0.6, 0.4]
    assert axes.lines[0].get_xdata() == [0, 0]
    assert axes.get_xlim() == (-1, 2)
    left, right = sorted(axes.texts, key=lambda text: text.get_position())
    assert "more like the other sample" in left.get_text()
    assert "more like the data" in right.get_text()


def test_calibration_is_drawn_against_the_diagonal():
    diagonal, points = figures.draw_calibration(CALIBRATION).axes[0].lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert points.get_xydata().tolist() == [[0.3, 0.2], [0.7, 0.8]]


def test_wealth_starts_at_1_and_the_line_is_at_1_over_alpha():
    curve, goal = figures.draw_wealth(WEALTH, alpha=0.01).axes[0].lines
    assert curve.get_xydata().tolist() == [[0, 0], [1, 0.5], [50, 4.0]]
    assert goal.get_ydata() == pytest.approx([np.log(100)] * 2)
    assert goal.get_label() == "rejected from log(1/0.01) = 4.6"


def region(*conditions, certain=True):
    rule = " and ".join(f"{name} {op} {value}" for name, op, value in conditions)
    return Region(
        real=Share(share=0.25, low=0.2, high=0.3),
        other=Share(share=0.5, low=0.4, high=0.6),
        jsd_lower=0.01,
        certain=certain,
        rule=rule,
        conditions=tuple(Condition(*each) for each in conditions),
    )


NAMES = ["a", "b", "c"]


def test_a_rule_of_one_column_is_a_band(noise):
    rows = noise.normal(size=(2, 300, 3))
    axes = figures.draw_regions(
        *rows, [region(("b", ">", -0.5), ("b", "<=", 0.5))], NAMES
    ).axes[0]
    *_, band = axes.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((-0.5, 0.5))
    assert axes.get_xlabel() == "b"
    assert axes.get_legend_handles_labels()[1] == [
        "data: 25.0% inside",
        "other sample: 50.0% inside",
    ]


def test_a_rule_of_two_columns_is_a_box_on_both_clouds(noise):
    rows = noise.normal(size=(2, 300, 3))
    panels = figures.draw_regions(
        *rows, [region(("a", ">", 0.5), ("c", "<=", 0.0))], NAMES, "samples"
    ).axes
    assert [axes.get_title() for axes in panels] == [
        "data: 25.0% inside",
        "samples: 50.0% inside",
    ]
    for axes in panels:
        (box,) = axes.patches
        assert box.get_xy() == (0.5, axes.get_ylim()[0])
        assert box.get_x() + box.get_width() == pytest.approx(axes.get_xlim()[1])
        assert box.get_y() + box.get_height() == pytest.approx(0)


def test_whole_numbers_are_scattered_within_the_box_of_their_rule(noise):
    rows = noise.integers(0, 3, size=(2, 300, 3))
    axes = figures.draw_regions(*rows, [region(("a", "=", 2), ("b", ">=", 1))], NAMES).axes[0]
    (box,) = axes.patches
    places = axes.collections[0].get_offsets().data
    inside = box.get_bbox().contains
    assert [inside(*place) for place in places] == [
        bool(a == 2 and b >= 1) for a, b, _ in rows[0]
    ]


def test_rows_that_break_a_third_condition_are_pale(noise):
    rows = noise.normal(size=(2, 300, 3))
    found = region(("a", ">", 0.5), ("b", ">", 0.0), ("c", ">", 0.0))
    for axes, side in zip(figures.draw_regions(*rows, [found], NAMES).axes, rows, strict=True):
        alpha = axes.collections[0].get_alpha()
        assert (alpha[side[:, 2] > 0] > 2 * alpha[side[:, 2] <= 0].max()).all()


def test_three_certain_regions_are_drawn_or_none(noise):
    rows = noise.normal(size=(2, 300, 3))
    found = [region(("a", ">", 0.1 * step), certain=step > 0) for step in range(6)]
    assert len(figures.draw_regions(*rows, found, NAMES).axes) == 3
    assert figures.draw_regions(*rows, found[:1], NAMES) is None
    assert figures.draw_regions(*rows, [], NAMES) is None
    rows[0, 0, 0] = np.nan
    figures.encode_figure(figures.draw_regions(*rows, found, NAMES), ".png")


def test_no_setting_of_the_callers_is_touched(noise):
    before = {
        name: value for name, value in matplotlib.rcParams.copy().items() if name != "backend"
    }
    figures.encode_figure(draw(noise.normal(size=(50, 2))), ".png")
    assert {name: matplotlib.rcParams[name] for name in before} == before
