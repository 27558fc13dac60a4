"""The estimator: scikit-learn's conventions on top of `onehalf.fitting`, nothing else."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from onehalf import callbacks
from onehalf._errors import Refusal, refuse
from onehalf.data.dataset import Dataset, frame_columns, from_objects
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits, split_rows
from onehalf.data.tables.frames import restore_frame
from onehalf.evaluation.result import Measurement
from onehalf.hyperparameters import FitOptions, about, document

# JAX is imported at the first fit, so that `from onehalf import GAN` costs little more than scikit-learn.
if TYPE_CHECKING:
    import onehalf.distributions.base
    import onehalf.export
    import onehalf.fitting
    import onehalf.recipe

__all__ = ["GAN"]

HOW = ("draw", "mean", "mode")
"""How gaps are filled."""


class GAN(FitOptions, BaseEstimator):
    """A generator of rows like yours, trained by Algorithm 1 and evaluated on held-out rows.

    70 % of the rows train both networks. 15 % validate: critics compare samples of the averaged G with them 20 times in
    a run (8 times for tables and convolutional networks), which decides which G of which seed is kept and when to stop.
    The other 15 % are the test, used once, at the end, for `certificate_`, a `Measurement`.

    A hyper-parameter of None depends on the data (docs/explanation/recipe.md); `recipe_` has its value.

    {hyperparameters}

    Several seeds share the CPU's cores if `jax.config.update("jax_num_cpu_devices", n)` was called before JAX is used.

    >>> X = np.random.default_rng(0).normal(5, 2, size=(500, 3)).astype("float32")
    >>> gan = GAN(rounds=200, width=16, random_state=0).fit(X)
    >>> gan.sample(4).shape, gan.sample(4).dtype
    ((4, 3), dtype('float32'))
    """

    __doc__ = document(__doc__)

    # scikit-learn sets parameters by name, though the declarations are frozen
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__

    fit_: "onehalf.fitting.Fit"

    @classmethod
    def from_fit(cls, fit: "onehalf.fitting.Fit") -> "GAN":
        """Return an estimator with this fit, such as a loaded run; its `fit` continues it."""
        gan = cls(**fit.recipe.to_dict(), label=fit.domain.label_names or None, warm_start=True)
        gan.fit_ = fit
        return gan

    def fit(self, X: Any, y: Any = None) -> "GAN":
        """Train on rows X.

        Args:
            X: An array of finite numbers, its rows along the first axis, of any shape and numeric dtype; or a data
                frame of pandas, polars or pyarrow, with words, dates and missing values as they come; or the path
                of a file or a folder that `onehalf fit` takes.
            y: The label of each row, a whole number or a word; ignored unless `label` gives it a name.

        Raises:
            Refusal: The rows can't be learned from. A fit needs 9 rows, a certificate 20 test rows, so about 130.
        """
        began = time.perf_counter()
        watches = callbacks.check("callbacks", self.callbacks)
        from onehalf import fitting
        from onehalf.domains import infer_domain

        asked = self.check() | {"random_state": _seed(self.random_state)}
        dataset = self._parse(X, y)
        if self.warm_start and hasattr(self, "fit_"):
            fit = self.fit_
            if asked["rounds"] is not None and asked["rounds"] > fit.recipe.rounds:
                fit = fitting.extend(fit, asked["rounds"])
            data = fitting.resume(fit, fit.domain.encode(dataset))
        else:
            domain = infer_domain(
                dataset, self.labels, self.schema, self.kept_columns, self.chosen_constraints
            )
            fit, data = fitting.start(domain, domain.encode(dataset), asked, since=began)
            self.fit_ = fit
        for self.fit_ in fitting.run(fit, data):
            callbacks.call(watches, self.fit_.latest_numbers, self.fit_.rounds)
        return self

    def sample(
        self,
        n: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        *,
        where: str | None = None,
        given: Any = None,
        balanced: bool = False,
        ids: bool | None = None,
    ) -> Any:
        """Draw samples in the units, shape and dtype of the data; for a table, a table of the same library.

        Args:
            n: Number of samples, 1 by default.
            random_state: None uses the estimator's own: if that is an int, each call gives the same samples.
            where: Conditions such as 'sex=F,30<=age<40'. G is given those that fix labels; for the others, samples are
                drawn until n satisfy them, or, with players made of trees, weighted by how well they do.
            given: A frame of labels, or a list of y: one sample is drawn for each of its rows. With players made of
                trees, a frame of any columns, with gaps where nothing is known. Values that are given are kept.
            balanced: Whether all combinations of labels that occur get an equal share.
            ids: Whether a table has all of its columns but free text: IDs and keys with new values, personal data
                with made-up ones. False leaves these columns out. None means True for tables.

        Returns:
            The samples; of a fit with y, the pair (X, y).
        """
        fit = self._fitted
        if n is not None and n < 1:
            refuse("n", expected="at least 1 row", got=n)
        if given is not None and (n is not None or where or balanced):
            refuse("given", expected="no n, where or balanced beside it", got="one of them")
        key = self._key(random_state)
        fresh = fit.domain.fresh_generator(_seed_of(key), ids=ids)
        if given is None:
            rows = fit.model.draw_distinct(key, n or 1, where, balanced=balanced).rows
            return fit.domain.decode(rows, fresh=fresh)
        drawn = fit.model.draw_given(key, given)
        return fit.domain.decode_given(drawn.rows, drawn.known, fresh=fresh)

    def impute(
        self,
        X: Any,
        *,
        draws: int | None = None,
        how: Literal["draw", "mean", "mode"] = "draw",
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Fill the missing cells of a table; needs a fit with players made of trees.

        A cell is drawn from the law of complete rows given all cells of its row that are there (a cell that is there
        never changes), and completed rows keep the rules of the fit. A row that breaks one is refused; one of which no
        completion is found keeps its gaps. IDs, personal data and free text are not learned: they come back as they
        are, gaps included.

        Args:
            X: A frame with the columns of the data.
            draws: Number of completions, which come as a list; None gives one frame.
            how: 'mean' takes the mean of numbers instead of a draw, and the most likely word; 'mode' the most likely
                value, and the median of numbers that hardly repeat.
            random_state: None uses the estimator's own.

        >>> import pandas as pd
        >>> x = np.arange(400) % 20
        >>> table = pd.DataFrame({"x": x, "square": x**2, "sign": np.where(x < 10, "low", "high")})
        >>> gan = GAN(players="trees", rounds=1, evaluate=False, random_state=0).fit(table)
        >>> gan.impute(pd.DataFrame({"x": [3, None], "square": [9, 225], "sign": [None, "high"]}))["sign"].tolist()
        ['low', 'high']
        """
        fit = self._fitted
        if draws is not None and (draws < 1 or how != "draw"):
            refuse("draws", expected="at least 1 draw, and how='draw'", got=(draws, how))
        if how not in HOW:
            refuse("how", expected=f"one of {', '.join(HOW)}", got=repr(how))
        partial = fit.domain.parse_partial(X, "impute", has_all=True)
        found = fit.model.impute(self._key(random_state), partial, draws=draws or 1, how=how)
        filled = [fit.domain.fill(partial, cells) for cells in found.cells]
        frames = [restore_frame(table, X) for table in filled]
        return frames[0] if draws is None else frames

    def log_prob(self, X: Any) -> np.ndarray:
        """Return log p_g(x) of each row of a table, in nats; needs a fit with players made of trees.

        Where D has corrected G, all rows share one constant, estimated from 20,000 draws; `log_prob_error_` is its
        standard error. All else is exact under the model.

        Words, missing cells, and numbers that repeat or have a fixed number of decimals have probabilities (the base
        measure counts them). Other numbers have a density per unit of their column, except for point masses at
        values that several training rows share, at the least value and at the greatest. So the sum over the former of
        the integral over the latter is 1. A row that samples can't equal, such as one with a number beyond those of
        all training rows, or one that breaks a rule of the fit, has -inf. Where samples keep rules, what these
        determine (a computed column, the words of a combination beside the first) adds nothing to the measure: the
        density is that of the row without it, with the gap of an order in place of its upper column.

        >>> import pandas as pd
        >>> table = pd.DataFrame({"x": np.arange(400) % 4, "odd": np.where(np.arange(400) % 2, "yes", "no")})
        >>> gan = GAN(players="trees", rounds=1, evaluate=False, random_state=0).fit(table)
        >>> every = pd.DataFrame({"x": [0, 1, 2, 3] * 2, "odd": ["yes"] * 4 + ["no"] * 4})
        >>> float(np.exp(gan.log_prob(every)).sum().round(2))
        1.0
        """
        return self._fitted.model.log_prob(self._encode(X, None))

    @property
    def log_prob_error_(self) -> float:
        """The standard error of the constant of `log_prob`, in nats; 0 where D did not correct G."""
        return self._fitted.model.log_prob_error

    def interpolate(
        self, n: int = 16, steps: int = 48, random_state: int | None = None
    ) -> np.ndarray:
        """Draw samples along n closed walks through the latent space (`onehalf.model.latent_walk`): (steps, n, ...).

        They are those of G: a walk passes through all of the latent space, so D does not correct them.
        """
        rows = self._fitted.model.interpolate(self._key(random_state), n, steps)
        return rows.x.reshape(steps, n, *rows.x.shape[1:])

    def export(self, path: str | Path) -> "onehalf.export.Description":
        """Write G into a file for other programs, with the decoding of its rows, and a description beside it.

        A file with the ending .onnx takes noise, and the value of each label, and gives rows in the units of the data.
        One with .stablehlo is for arrays. The description (`model.onnx.json`) has the law of the noise, the columns and
        the labels. Where D corrects samples of networks, the file leaves that out: it gives the samples of G.

        Raises:
            Refusal: The file exists or can't be written, a package is missing, or this fit can't be exported: samples
                that keep rules.
        """
        return self._fitted.model.export(Path(path))

    def logits(self, X: Any, y: Any = None) -> np.ndarray:
        """Return d(x) of each row, where D(x) = sigmoid(d(x)) is the D of the chosen seed after its last round."""
        return self._fitted.logits(self._encode(X, y))

    def split(self, X: Any, y: Any = None) -> Splits:
        """Split rows as `fit` does, into train, validation and test; with y, into pairs."""
        domain = self._fitted.domain.reveal(from_objects(X, y))
        return Splits(*map(domain.decode, split_rows(self._encode(X, y))))

    def was_fitted_on(self, X: Any, y: Any = None) -> bool:
        """Return whether `fit` was given these rows: most of them are training rows, and no test of its samples."""
        try:
            return self._encode(X, y).digest() == self.fit_.data_hash
        except Refusal:
            return False

    @property
    def certificate_(self) -> Measurement | None:
        """The chosen G against the test rows; None before the test, or if the rows are too few."""
        return self._fitted.measurement

    @property
    def history_(self) -> "list[onehalf.fitting.HistoryRow]":
        """The course of training: one row every 100 rounds."""
        return list(self._fitted.history)

    @property
    def recipe_(self) -> "onehalf.recipe.Recipe":
        """The hyper-parameters, with a value where they depend on the data."""
        return self._fitted.recipe

    @property
    def p_g_(self) -> "onehalf.distributions.base.Pushforward":
        """The distribution of G's samples as the networks see them, of the chosen G, before D corrects them."""
        return self._fitted.model.p_g

    @property
    def labels_(self) -> tuple[str, ...]:
        """What samples can be conditioned on: columns of a table, or the name of y."""
        return self._fitted.domain.label_names

    @property
    def made_up_(self) -> tuple[str, ...]:
        """Columns of a table that samples have new or made-up values in, which were not learned."""
        return self._fitted.domain.left_out

    @property
    def _fitted(self) -> "onehalf.fitting.Fit":
        check_is_fitted(self, "fit_")
        return self.fit_

    def _parse(self, X: Any, y: Any) -> Dataset:
        """Check the rows once, and set scikit-learn's own attributes."""
        if isinstance(X, str | Path):
            from onehalf.data.sources import load_some

            data = load_some(str(X))
            X, y = (data.values, data.labels if y is None else y)
        names = frame_columns(X)
        if names is None:
            X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, allow_nd=True)
        else:
            self.feature_names_in_ = np.array(names, object)
            self.n_features_in_ = len(names)
        return from_objects(X, y if self.labels else None)

    def _encode(self, X: Any, y: Any) -> EncodedRows:
        """Encode rows as the fit does."""
        return self.fit_.domain.encode(from_objects(X, y, allow_empty=True))

    def _key(self, random_state: int | np.random.RandomState | None) -> Any:
        import jax

        own = self.random_state
        return jax.random.key(_seed(own if random_state is None else random_state))


def _seed_of(key: Any) -> int:
    """A seed that goes with a key."""
    import jax

    return int(jax.random.bits(key))


def _seed(random_state: int | np.random.RandomState | None) -> int:
    """An int as it is; anything else draws one."""
    if isinstance(random_state, int | np.integer):
        return int(about()["random_state"].check("random_state", random_state))
    return int(check_random_state(random_state).randint(2**31 - 1))
