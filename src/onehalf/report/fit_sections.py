"""The sections of a page about a fit: the truth, training curves, seeds, the recipe."""

import dataclasses

import numpy as np
from scipy import special

from onehalf import figures
from onehalf.data.rows import EncodedRows
from onehalf.evaluation.wording import digits
from onehalf.fitting import Fit
from onehalf.recipe import Recipe
from onehalf.report.summary import FitSummary, SeedsSummary
from onehalf.report.text import TIE
from onehalf.sections.base import (
    Block,
    Details,
    Figure,
    Grid,
    Note,
    Replay,
    Section,
    Table,
    embed_svg,
)
from onehalf.theory.ground_truth import GroundTruth
from onehalf.views.view import SHIFT_FREE_LOSSES

__all__ = ["fit_sections"]

LEAST_SPAN = 0.1
"""The curves of V and D are drawn at least this far above and below their dashed lines."""

TRUTH_CAPTION = (
    "The density of these data is known, and p_g is counted in cells from a million samples. "
    "So D_star = p_data/(p_data + p_g), the best D against the G that is kept, is known too; "
    "where neither has any probability, nothing is drawn, or a map is grey. How to read it: "
    "D_star is 1/2 wherever p_g = p_data; where it is more, G makes too few samples, where it "
    "is less, too many. The other map shows the D of the last round. It was trained against the last G, "
    "while the kept G is an average over many, often earlier, rounds; so the two need not "
    "agree, and at the end both are near 1/2."
)

V_CAPTION = (
    "V = E[log D(x)] + E[log(1 - D(G(z)))] on training rows, a mean over each 100 rounds. The "
    "dashed line, -log 4 = {tie}, is where D is 1/2 everywhere. How to read it: far "
    "above the line, D has the upper hand. Being near it is no evidence of "
    "convergence: a D that "
    "has learned nothing is there too."
)

D_CAPTION = (
    "The predicted probability of being data: of rows of the data (blue), and of samples "
    "(orange). How to read it: the gap between the curves is D's lead over G; on the dashed "
    "line, 1/2, D cannot decide. These are training rows: only held-out rows say how far the "
    "game is from its end."
)

V_OF_TREES_CAPTION = (
    "V = E[log D(x)] + E[log(1 - D(G(z)))] of each round: D learned from two thirds of the training rows, and V is "
    "that of the other third and of new samples. The dashed line, -log 4 = {tie}, is where D is 1/2 everywhere. How to "
    "read it: above the line D can still tell rows from samples, and G is corrected by its odds; on the line D has "
    "lost, and the game ends."
)

D_OF_TREES_CAPTION = (
    "The predicted probability of being data, of rows that D did not learn from (blue) and of new samples (orange). "
    "How to read it: the gap between the curves is D's lead over G; on the dashed line, 1/2, D cannot decide."
)

EVALUATIONS_CAPTION = (
    "At each evaluation a new critic was trained to tell validation rows from samples, and "
    "tested on rows that it had not seen: nats of JSD, from below (0 to 0.693). Bars are one "
    "standard error. The dotted line is certified: at least this much, at all evaluations at "
    "once, with 95% confidence. The green band is the estimate for data against data. How to "
    "read it: lower is better; within the band this critic sees no difference, though a "
    "better one might; below 0 the critic was misled by chance, so read it as 0. The ring is "
    "the G that was kept: of the latest evaluation within one standard error of the lowest."
)

FIGURES = "The same curves as figures, with all seeds, and how to read them"

NO_EVALUATIONS = (
    "Held-out nats are not drawn: there were too few validation rows, or critics learned "
    "nothing."
)

GRADIENTS_CAPTION = (
    "The norms of the gradients of D and G, on a logarithmic scale. How to read it: level "
    "curves are healthy. If G's fades while D(x) is near 1, G learns nothing more. If G's "
    "climbs, D has become steep; noise or the penalties r1 and r2 would flatten it."
)

SEEDS_NOTE = (
    "For each seed, the evaluation on validation rows by which its G was kept. The samples "
    "come from the seed with the lowest value."
)

RECIPE_NOTE = (
    "With these values, the same rows, and the same versions, the fit can be repeated."
)


def fit_sections(fit: Fit, summary: FitSummary, replay: Replay | None = None) -> list[Section]:
    """All sections about a fit, as far as there is something to show."""
    sections = []
    if summary.truth:
        sections.append(_draw_truth(fit, summary.truth))
    if fit.history:
        sections.append(_draw_training(fit, summary, replay))
    if len(summary.seeds.each) > 1:
        sections.append(_list_seeds(summary.seeds))
    return [*sections, _list_recipe(fit.recipe)]


def _draw_truth(fit: Fit, truth: GroundTruth) -> Section:
    """Draw the best discriminator and the one that was learned."""

    def learned_D(x: np.ndarray) -> np.ndarray:
        return special.expit(fit.logits(EncodedRows.unlabelled(x)))

    figure = figures.draw_ground_truth(truth, learned_D)
    image = embed_svg(figure, "D_star, and D as learned")
    return Section("The truth", [Figure(image, TRUTH_CAPTION)])


def _draw_training(fit: Fit, summary: FitSummary, replay: Replay | None) -> Section:
    """Draw V, D(x) and D(G(z)), held-out nats, and the gradients over the rounds; with a replay, below it."""
    history = fit.history
    chosen = fit.chosen
    pale = " The other seeds are pale." if fit.recipe.seeds > 1 else ""
    conditions = _describe_conditions(fit.recipe) + pale
    V = figures.draw_training_curves(
        history,
        {"V": "V"},
        label="nats",
        level=(TIE, "-log 4"),
        chosen=chosen,
        least_span=LEAST_SPAN,
    )
    is_neural = fit.recipe.players == "neural"
    V_caption = V_CAPTION if is_neural else V_OF_TREES_CAPTION
    D_caption = D_CAPTION if is_neural else D_OF_TREES_CAPTION
    D_curves = {"D_x": "D(x), on data", "D_Gz": "D(G(z)), on samples"}
    D = figures.draw_training_curves(
        history,
        D_curves,
        label="mean of D",
        level=(0.5, "1/2"),
        chosen=chosen,
        least_span=LEAST_SPAN,
    )
    blocks: list[Block] = [
        Figure(
            embed_svg(
                V,
                f"A curve of V over the rounds that ends at {digits(summary.V)} nats, and a dashed line at -log 4",
            ),
            V_caption.format(tie=f"{TIE:.3f}") + conditions,
            "V against -log 4",
        ),
        Figure(
            embed_svg(
                D,
                f"D(x) ends at {digits(summary.D_x)}, D(G(z)) at {digits(summary.D_Gz)}; a dashed line is at 1/2",
            ),
            D_caption + conditions,
            "D(x) and D(G(z)) against 1/2",
        ),
        *_draw_evaluations(fit, summary, pale),
        *_draw_gradients(fit, pale),
    ]
    if replay is None:
        return Section("Training", [Grid(blocks)])
    return Section("Training", [replay, Details(FIGURES, [Grid(blocks)])])


def _draw_gradients(fit: Fit, pale: str) -> list[Block]:
    """Draw the norms of the gradients; nothing of players that have none."""
    if not all("gradient_D" in row for row in fit.history):
        return []
    gradients = figures.draw_training_curves(
        fit.history,
        {"gradient_D": "D", "gradient_G": "G"},
        label="norm of the gradient",
        chosen=fit.chosen,
        log=True,
    )
    alt = "The norms of D's and G's gradients over the rounds, on a logarithmic scale"
    return [
        Figure(embed_svg(gradients, alt), GRADIENTS_CAPTION + pale, "Norms of the gradients")
    ]


def _draw_evaluations(fit: Fit, summary: FitSummary, pale: str) -> list[Block]:
    """Draw held-out nats at each evaluation; nothing before the first one."""
    if not any("jsd_estimate" in row for row in fit.history):
        return []
    best = summary.seeds.best
    figure = figures.draw_evaluations(fit.history, chosen=fit.chosen, kept=best.t)
    if figure is None:
        return [Note(NO_EVALUATIONS)]
    added = fit.recipe.first_rounds
    if added:
        pale += f" Evaluations after round {added:,}, when the fit was extended, have no bound: it is 0."
    alt = f"Held-out nats at each evaluation, {digits(best.jsd_estimate)} for the kept G; a band for data against data"
    return [Figure(embed_svg(figure, alt), EVALUATIONS_CAPTION + pale, "Held-out nats")]


def _describe_conditions(recipe: Recipe) -> str:
    """Say what a reader of the curves must know about the recipe."""
    text = ""
    if recipe.noise:
        share = f"{recipe.noise_share:.0%}"
        text += f" In the first {share} of the rounds D saw all rows with noise added, which weakens it."
    if recipe.loss in SHIFT_FREE_LOSSES:
        text += f" With the loss {recipe.loss} D is determined only up to a shift, so the dashed line is no goal."
    return text


def _list_seeds(seeds: SeedsSummary) -> Section:
    """List the evaluation by which each seed's generator was kept."""
    rows = [
        [
            str(seed.seed),
            digits(seed.jsd_estimate, seed.jsd_se),
            f"{seed.t:,}" if seed.t else "",
            "sampled from" if seed.seed == seeds.chosen else "",
        ]
        for seed in seeds.each
    ]
    table = Table(["seed", "held-out nats", "at round", ""], rows)
    return Section("The seeds", [table], SEEDS_NOTE)


def _list_recipe(recipe: Recipe) -> Section:
    """List every parameter of the fit."""
    rows = [
        [name, f"{value:g}" if isinstance(value, float) else str(value)]
        for name, value in dataclasses.asdict(recipe).items()
    ]
    return Section("The recipe", [Table(["parameter", "value"], rows)], RECIPE_NOTE)
