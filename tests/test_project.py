"""The files around the package agree with one another: versions, Python versions, the checks that run."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_citation_has_the_version_and_the_license_of_the_package():
    citation = dict(re.findall(r"^(\w+): (\S.*)$", _read("CITATION.cff"), re.MULTILINE))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["title"] == PROJECT["name"]


def test_the_change_log_has_an_unreleased_section_or_the_version_first():
    first = re.search(r"^## \[(.+?)\]", _read("CHANGELOG.md"), re.MULTILINE)
    assert first[1] in ("Unreleased", PROJECT["version"])


def test_ci_runs_the_one_command_on_every_python_version_that_the_package_names():
    workflow = _read(".github/workflows/ci.yml")
    versions = re.findall(r'"(3\.\d+)"', re.search(r"python-version: \[(.+)\]", workflow)[1])
    prefix = "Programming Language :: Python :: "
    classifiers = [name.removeprefix(prefix) for name in PROJECT["classifiers"]]
    assert versions == [name for name in classifiers if re.fullmatch(r"3\.\d+", name)]
    assert PROJECT["requires-python"] == f">={versions[0]}"
    assert "- run: .ci/run\n" in workflow


@pytest.mark.parametrize("tool", ["ruff check", "ruff format", "pyright", "lint-imports"])
def test_a_commit_is_checked_by_the_tools_of_the_one_command(tool):
    command = re.search(r"<!-- test -->\n```sh\n(.+)\n```", _read("README.md"))[1]
    assert f".venv/bin/{tool}" in command
    assert f"entry: {tool}" in _read(".pre-commit-config.yaml")


def test_the_editor_wraps_lines_where_the_formatter_does():
    lines = tomllib.loads(_read("pyproject.toml"))["tool"]["ruff"]["line-length"]
    assert f"max_line_length = {lines}\n" in _read(".editorconfig")
