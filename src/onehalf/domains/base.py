"""A kind of data as one class: all that the rest of the package needs to know of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from onehalf._errors import refuse
from onehalf.data.dataset import Dataset
from onehalf.data.labels import Labelled
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.partial import PartialTable
from onehalf.data.tables.spans import Allowed
from onehalf.distributions.base import AbstractData, Latent
from onehalf.domains.preprocessor import Preprocessor
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.samples import Samples
from onehalf.hyperparameters import NETS, PLAYERS
from onehalf.players.base import Players
from onehalf.players.law import Law
from onehalf.players.networks import Networks
from onehalf.recipe import Recipe

if TYPE_CHECKING:
    import matplotlib.figure

    import onehalf.domains.recorders
    import onehalf.export
    import onehalf.sections.base

__all__ = ["Domain", "State"]

State = tuple[dict[str, Any], dict[str, np.ndarray]]
"""What is saved: values for JSON, and arrays, each by name."""


class Domain(ABC):
    """A kind of data. To add one, subclass it in a file of its own and list it in `domains.DOMAINS`."""

    name: ClassVar[str]
    constraints: tuple[str, ...] = ()
    """Rules that samples keep, as people write them."""

    # ---------------------------------------------------------------- rows

    @classmethod
    @abstractmethod
    def accepts(cls, values: Any) -> bool:
        """Whether an array, or what can become one, or a data frame is of this kind."""

    @classmethod
    @abstractmethod
    def infer(cls, data: Dataset, label: Sequence[str] = (), schema: Any = None) -> "Domain":
        """The domain of these data: columns, types and labels, learned from all rows.

        Args:
            data: Checked data.
            label: What samples can be asked for by.
            schema: The kinds of columns, where they were corrected by hand.

        Raises:
            Refusal: The data have no such labels, or a schema does not belong to them.
        """

    def with_constraints(self, data: Dataset, choice: str | tuple[str, ...] | None) -> "Domain":
        """Return the domain whose samples keep rules.

        Args:
            data: The data that it was inferred from.
            choice: Rules, or 'auto', 'unbroken' or 'none'; None is those of the schema, and equations.

        Raises:
            Refusal: Rules are asked for that the data break or can't have.
        """
        if choice is not None:
            refuse("constraints", expected="a table", got="an array")
        return self

    @classmethod
    def keep_personal(cls, data: Dataset, schema: Any, names: Sequence[str]) -> Any:
        """Return the schema in which these columns of personal data are learned."""
        refuse("keep-personal", expected="a table", got="an array")

    @abstractmethod
    def encode(self, data: Dataset, what: str = "X") -> EncodedRows:
        """Rows of the same kind, encoded; refuses others, calling them `what`."""

    @abstractmethod
    def decode(self, rows: EncodedRows, *, fresh: np.random.Generator | None = None) -> Any:
        """The rows as the user has them: an array, a pair with labels, a table.

        Args:
            rows: The encoded rows.
            fresh: Draws new values for the columns of a table that are not learned but can be
                made up; None leaves them out.
        """

    def decode_given(
        self,
        rows: EncodedRows,
        known: PartialTable | None,
        *,
        fresh: np.random.Generator | None,
    ) -> Any:
        """The rows as the user has them, with the cells that were given, if any, as they are."""
        return self.decode(rows, fresh=fresh)

    def decode_pieces(
        self, pieces: Iterable[EncodedRows], n: int, *, fresh: np.random.Generator | None
    ) -> Iterator[Any]:
        """Decode n rows that come piece by piece, as `decode` does all of them."""
        return (self.decode(rows, fresh=fresh) for rows in pieces)

    def fresh_generator(self, seed: int | None, *, ids: bool | None) -> Any:
        """Return what draws new values for `decode`; None if they are not wanted.

        Args:
            seed: None draws other values each time.
            ids: Whether they are wanted; None means wherever there are any.

        Raises:
            Refusal: They are wanted of an array.
        """
        if ids and not self.column_names:
            refuse("ids", expected="a fit of a table", got="one of an array")
        return None if ids is False else np.random.default_rng(seed)

    def estimate_new_memory(self, n: int) -> int:
        """Estimate the bytes that grow with the rows while new values of n rows are drawn, for `decode_pieces`."""
        return 0

    def hide_unlearned(self, train: EncodedRows) -> "Domain":
        """Return the domain that shows and saves no words but those of training rows, and of labels."""
        return self

    def reveal(self, data: Dataset) -> "Domain":
        """Return the domain of a saved run with the words that were not saved, from its data."""
        return self

    @property
    def hides_words(self) -> bool:
        """Whether it lacks words that no training row has, until they are revealed."""
        return False

    @property
    @abstractmethod
    def label_names(self) -> tuple[str, ...]:
        """What samples can be asked for by."""

    @property
    @abstractmethod
    def column_names(self) -> tuple[str, ...]:
        """The columns' names; () if they have none of their own."""

    @property
    @abstractmethod
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one encoded row."""

    @property
    def is_filterable(self) -> bool:
        """Whether samples can be chosen by conditions."""
        return True

    @abstractmethod
    def parse_filter(self, where: str) -> RowFilter:
        """The conditions of a text such as 'sex=F,age>40'; refuses them where there is nothing to compare."""

    def filter_places(self, row_filter: RowFilter) -> dict[int, Allowed]:
        """What cells a filter allows, by the place of the column."""
        return {
            row_filter.coding.names.index(name): allowed
            for name, allowed in row_filter.allowed.items()
        }

    @abstractmethod
    def filter_cells(self, rows: EncodedRows) -> Cells:
        """What such a filter is applied to."""

    @abstractmethod
    def encode_labels(self, labels: Any) -> Cells:
        """Labels to be given to G, as the user has them, as cells; refuses unknown ones."""

    def parse_partial(self, values: Any, what: str, *, has_all: bool = False) -> PartialTable:
        """Parse a table of some columns, or with gaps.

        Args:
            values: The table, as the user has it.
            what: Its name in error messages.
            has_all: Whether it must have all columns that were learned.

        Raises:
            Refusal: The data are no table, or it has other columns or unknown words.
        """
        refuse(what, expected="a fit of a table", got="one of an array")

    def fill(self, partial: PartialTable, cells: Cells) -> pa.Table:
        """The table with its gaps filled from these cells, and all else as it was."""
        raise NotImplementedError

    # ------------------------------------------------------------- players

    is_refined: ClassVar[bool] = False
    """Whether a D on rows as they are corrects samples after training, where that helps."""

    def choose_players(self, asked: Mapping[str, Any]) -> str:
        """The family of both players; `asked` as `Hyperparameters.check` gives it."""
        return asked["players"] or PLAYERS[0]

    def for_players(self, players: str) -> "Domain":
        """The same kind of data for players of this family.

        Raises:
            Refusal: They can't learn such data.
        """
        if players != PLAYERS[0]:
            expected = f"{PLAYERS[0]}: players of {players} take tables only"
            refuse("players", expected=expected, got=f"{players!r} with {self.describe_rows()}")
        return self

    @abstractmethod
    def fit_preprocessor(self, train: EncodedRows, preset: str | None = None) -> Preprocessor:
        """Learn from training rows how the players see rows; a preset recipe may do it differently."""

    def acceptance(
        self, preprocessor: Preprocessor
    ) -> Callable[[EncodedRows], Bool[np.ndarray, " _"]] | None:
        """What says of samples whether each may be given out; None if all may."""
        return None

    def find_repeats(
        self, preprocessor: Preprocessor
    ) -> Callable[[EncodedRows], Bool[np.ndarray, " _"]] | None:
        """What says of samples whether each repeats a unique key of an earlier one; None if there are no such keys."""
        return None

    @abstractmethod
    def load_preprocessor(self, arrays: Mapping[str, np.ndarray]) -> Preprocessor:
        """The preprocessor whose `to_arrays` these are."""

    @abstractmethod
    def recipe_defaults(self, net: str, preprocessor: Preprocessor) -> dict[str, Any]:
        """The hyper-parameters that depend on the kind of data."""

    @abstractmethod
    def networks(
        self, recipe: Recipe, preprocessor: Preprocessor, p_data: AbstractData
    ) -> Networks:
        """Both networks; where `p_data` has no rows, with zeros in place of what its values would decide."""

    def choose_net(self, net: str | None) -> str:
        """The kind of both networks, where None leaves it open."""
        if net == "convolutional":
            expected = "images, (h, w) or (h, w, c), for convolutional networks"
            refuse("net", expected=expected, got=self.describe_rows())
        return NETS[0]

    def check_preset(self, preset: str) -> None:
        """Refuse data that a preset recipe can't work on."""
        refuse(
            "recipe",
            expected=f"an array without labels for {preset}",
            got=self.describe_rows(),
        )

    @abstractmethod
    def describe_rows(self) -> str:
        """The rows in a few words, for refusals."""

    def resolve(
        self, asked: Mapping[str, Any], preprocessor: Preprocessor, n_rows: int
    ) -> Recipe:
        """Return the recipe of a fit on `n_rows` training rows; `asked` as `Hyperparameters.check` gives it."""
        if asked["recipe"] is not None:
            from onehalf.presets import recipes

            self.check_preset(asked["recipe"])
            return recipes.resolve(asked, n_rows)
        net = self.choose_net(asked["net"])
        defaults = {"net": net, **self.recipe_defaults(net, preprocessor)}
        return Recipe.resolve(asked, defaults, n_rows)

    def latent(self, recipe: Recipe, preprocessor: Preprocessor) -> AbstractData:
        """p_z."""
        if recipe.recipe is not None:
            from onehalf.presets import mnist_2014

            return mnist_2014.P_Z
        return preprocessor.latent(Latent(normal=recipe.normal, choices=recipe.choices))

    def make_networks(
        self, recipe: Recipe, preprocessor: Preprocessor, p_data: AbstractData
    ) -> Networks:
        """The networks of a preset recipe, or those of this kind of data."""
        if recipe.recipe is not None:
            from onehalf.presets import recipes

            return recipes.make_networks(p_data)
        return self.networks(recipe, preprocessor, p_data)

    def make_players(
        self, recipe: Recipe, preprocessor: Preprocessor, p_data: AbstractData
    ) -> Players[Any]:
        """The players on these training rows."""
        # imported here, as only training needs optimizers
        from onehalf.players.neural import NeuralPlayers, make_game

        if recipe.recipe is not None:
            from onehalf.presets import recipes

            game = recipes.make_game(recipe, p_data)
        else:
            game = make_game(recipe, p_data, self.latent(recipe, preprocessor))
        return NeuralPlayers(recipe, game, self.make_networks(recipe, preprocessor, p_data))

    @property
    def no_rows(self) -> EncodedRows:
        """Encoded rows of this kind, of which there are none."""
        return EncodedRows.unlabelled(np.zeros((0, *self.row_shape)))

    def law(self, G: Any, preprocessor: Preprocessor) -> Law | None:
        """The density of G's rows; None where there is none."""
        return None

    def refuse_law(self, what: str) -> NoReturn:
        """Refuse what needs a density of samples, and say why there is none."""
        refuse(what, expected="a fit of a table", got=f"one of {self.describe_rows()}")

    def blank_generator(self, recipe: Recipe, preprocessor: Preprocessor) -> Any:
        """Return a G to be filled from a file: its arrays are shapes."""
        p_data = preprocessor.distribution(self.no_rows)
        return self.make_networks(recipe, preprocessor, p_data).blank_generator()

    # ---------------------------------------------------------- evaluation

    @classmethod
    @abstractmethod
    def encode_samples(
        cls, sides: dict[str, Any], *, sampler: Any, schema: Any, features: Any, seed: int
    ) -> Samples:
        """Parse what is to be compared, check it against each other, and encode it.

        Args:
            sides: 'real', and perhaps 'other' and 'train', as the user has them.
            sampler: What makes the other sample, if it is not there.
            schema: The kinds of columns, where they were corrected by hand.
            features: Further features of the rows: a function, or arrays by side.
            seed: Settles what the sampler makes.

        Raises:
            Refusal: They can't be compared.
        """

    @property
    @abstractmethod
    def encoder(self) -> FeatureEncoder:
        """What critics and people see of encoded rows."""

    @property
    def encoder_for_training(self) -> FeatureEncoder:
        """The same for evaluations in a run."""
        return self.encoder

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that are neither learned nor compared."""
        return ()

    @property
    def kept_personal(self) -> tuple[str, ...]:
        """Columns that look like personal data and are learned all the same."""
        return ()

    def is_valid(self, rows: EncodedRows) -> bool:
        """Whether samples can be measured: they are finite numbers."""
        return bool(np.isfinite(rows.x.astype(np.float64)).all())

    def evaluations(self, recipe: Recipe) -> int:
        """Evaluations on validation rows in a run, at most."""
        return 20 if recipe.net == "mlp" else 8

    # ------------------------------------------------------ display, files

    @abstractmethod
    def sections(
        self, real: EncodedRows, other: EncodedRows, called: str, *, train: EncodedRows
    ) -> "onehalf.sections.base.DataSections":
        """The sections of a fit's page about validation rows beside samples.

        Args:
            real: Validation rows.
            other: Samples.
            called: What the samples are called.
            train: Training rows, among which nearest neighbours are sought.
        """

    @classmethod
    @abstractmethod
    def compare_sections(
        cls, real: Any, other: Any, called: str, schema: Any
    ) -> "onehalf.sections.base.DataSections":
        """The sections of a measurement's page about both sides, as the user has them."""

    @classmethod
    def draw(cls, rows: Any) -> "matplotlib.figure.Figure":
        """Draw an array, as the user has it."""
        from onehalf import figures

        return figures.draw_arrays({"data": rows})

    has_previews: ClassVar[bool] = False
    """Whether samples are kept at each evaluation, to show the course of training."""

    @property
    @abstractmethod
    def recorder(self) -> "onehalf.domains.recorders.Recorder":
        """What draws a snapshot at each evaluation, to show the course of training."""

    def notes(self, recipe: Recipe) -> tuple[str, ...]:
        """What a person should know of how these data are trained on."""
        return ()

    def default_suffix(self, source: str) -> str:
        """The kind of file that is like the data's, which came from there."""
        return self.sample_suffixes()[0]

    @abstractmethod
    def sample_suffixes(self) -> tuple[str, ...]:
        """The kinds of file that samples can be written to, the first one by default; '' is a folder."""

    def describe(self, samples: Any, given: Collection[str] = ()) -> str:
        """Decoded samples in a few words, said after how many they are; and the columns that were given."""
        return ""

    @property
    def image_size(self) -> tuple[int, int] | None:
        """The height and width that the images of a folder are brought to; None of other data."""
        return None

    @classmethod
    def size_of_folder(cls, word: str, real: str, data: Dataset) -> tuple[int, int]:
        """The size for the images of a folder that are compared with these data; refuses a folder beside others."""
        refuse(word, expected=f"the same kind of data as {real}", got="a folder of images")

    @classmethod
    def match(cls, sides: list[Dataset], shape: tuple[int, ...]) -> list[Dataset]:
        """Bring all sides, and samples of this shape, to one form where that can be done."""
        return sides

    def write_animation(self, frames: Sequence[np.ndarray], path: Path) -> None:
        """Write samples step by step; only where there are previews."""
        raise NotImplementedError

    def write(self, samples: Any, path: Path, suffix: str) -> None:
        """Write decoded samples to a file of that kind, or a folder."""
        n = len(samples[0] if isinstance(samples, Labelled) else samples)
        self.write_pieces([samples], n, path, suffix)

    @abstractmethod
    def write_pieces(self, pieces: Iterable[Any], n: int, path: Path, suffix: str) -> None:
        """Write n decoded samples that come piece by piece; the bytes are the same whatever the pieces.

        Raises:
            Refusal: They can't be written there, or the disk has no room for them.
        """

    def decoder(self, preprocessor: Preprocessor, G: Any) -> "onehalf.export.Decoder":
        """What decodes the rows of G in a model file, without this package.

        Raises:
            Refusal: Such rows can't be decoded there.
        """
        refuse("export", expected="an array, images or a table", got=self.describe_rows())

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The domain for JSON; `from_dict` is the way back."""

    @classmethod
    @abstractmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Domain":
        """The domain that `to_dict` gave."""
