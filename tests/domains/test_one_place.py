"""The kind of data is asked in one place: `domains/`, with `data/` and the feature encoders beneath it."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "onehalf"
ALLOWED = ("domains/", "data/", "evaluation/features/")
KINDS = {
    "Table",
    "TableEncoder",
    "TablePreprocessor",
    "TableDomain",
    "TableRows",
    "ArrayScaler",
    "ArrayPreprocessor",
    "ArrayDomain",
    "ImageDomain",
    "Labelled",
    "LabelEncoder",
    "Conditional",
    "DataFrame",
}
FILES = [
    path
    for path in sorted(SOURCE.rglob("*.py"))
    if not path.relative_to(SOURCE).as_posix().startswith(ALLOWED)
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_module_asks_for_the_kind_of_data(path):
    asked = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "isinstance",
            "issubclass",
        ):
            names = set(re.findall(r"\w+", ast.unparse(node.args[1])))
            asked += [ast.unparse(node)] if names & KINDS else []
        if isinstance(node, ast.MatchClass):
            asked += (
                [ast.unparse(node)] if ast.unparse(node.cls).split(".")[-1] in KINDS else []
            )
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
            "is_image",
            "is_images",
            "is_table",
            "is_frame",
        ):
            asked.append(ast.unparse(node))
        if isinstance(node, ast.Compare) and re.match(
            r"\w*(coding|encoder)_? is (not )?None", ast.unparse(node)
        ):
            asked.append(ast.unparse(node))
    assert asked == []


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.jinja")), ids=lambda path: path.name)
def test_no_template_asks_for_the_kind_of_data(path):
    conditions = re.findall(r"{% (?:el)?if (.*?) %}", path.read_text(encoding="utf-8"))
    assert not [
        text for text in conditions if re.search(r"kind|table|image|array|points", text)
    ]
