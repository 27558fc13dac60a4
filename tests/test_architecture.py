"""The house: every catalogue is its `__all__`, help and docs say what is there, importing costs no JAX."""

import subprocess
import sys
from pathlib import Path

import pytest

from onehalf._registry import catalogue, choose, names, spoken

ROOT = Path(__file__).parents[1]
FAMILIES = ("losses", "penalties", "nets", "distributions", "experiments")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_catalogue_is_its_modules_all(family):
    members = catalogue(family)
    assert members
    assert all(
        isinstance(member, type) and member.__name__ == name for name, member in members.items()
    )
    assert list(members) == [choose(family, spoken(name), names(family)) for name in members]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_member_says_in_one_line_what_it_is(family):
    for member in catalogue(family).values():
        first = (member.__doc__ or "").splitlines()[0]
        assert first
        assert first.endswith((".", ";")), first


def test_importing_the_package_does_not_import_jax():
    code = "import sys, onehalf, onehalf._registry; assert not {'jax', 'numpy', 'sklearn'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


HEAVY = (
    "jax",
    "numpy",
    "scipy",
    "sklearn",
    "matplotlib",
    "pandas",
    "pyarrow",
    "PIL",
    "jinja2",
    "rich",
    "starlette",
    "uvicorn",
)


@pytest.mark.parametrize(
    "command",
    ["", "fit", "sample", "export", "measure", "report", "data", "theory", "lab", "watch"],
)
def test_help_imports_nothing_heavy(command):
    words = ["onehalf", *([command] if command else []), "--help"]
    code = (
        f"import sys; sys.argv = {words!r}; from onehalf.cli import app; app(standalone_mode=False);"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Usage:" in done.stdout
    assert done.stderr == "[]\n"


def test_reading_a_table_imports_no_networks_and_no_figures():
    heavy = ("jax", "sklearn", "matplotlib", "pandas", "PIL.Image", "rich")
    code = (
        "import sys, onehalf.data.tables.reader, onehalf.data.tables.schema;"
        f"assert not set({heavy!r}) & set(sys.modules), set({heavy!r}) & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_reading_a_run_imports_no_figures():
    code = "import sys, onehalf.runs; assert not {'matplotlib', 'jinja2'} & {*sys.modules}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_fit_loads_no_experiment_and_can_still_have_all_cores():
    # once JAX has begun to compute, its devices stay as they are
    code = (
        "import sys, jax, onehalf.report, onehalf.runs; from onehalf.cli._common import set_up_jax; set_up_jax(2);"
        "assert 'onehalf.experiments' not in sys.modules; assert len(jax.devices()) == 2"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_readme_prints_the_tree_that_is_there():
    readme = (ROOT / "README.md").read_text()
    for path in (ROOT / "src" / "onehalf").iterdir():
        if path.suffix in (".py", ".jinja") or (
            path.is_dir() and not path.name.startswith("__")
        ):
            assert path.name in readme, path.name


def test_torch_is_no_dependency():
    assert "torch" not in (ROOT / "pyproject.toml").read_text().split("[tool.importlinter]")[0]
    assert "torch" not in (ROOT / "constraints.txt").read_text()


def test_the_readme_holds_the_loop_by_hand():
    loop = (ROOT / "examples" / "by_hand.py").read_text().split('"""\n', 1)[1].strip()
    assert loop in (ROOT / "README.md").read_text()
