"""A generator in one file for other programs: an ONNX graph, or StableHLO, with a description beside it.

graph         nodes, constants, inputs and outputs of an ONNX graph
networks      networks as nodes
search        places among sorted numbers, and interpolation, as nodes
arrays        rows of arrays and images from what G gives
tables        rows of tables from what networks give; columns has what each column needs
cells         the same from what trees give; labelled_table is what both share
stablehlo     the same for arrays by `jax.export`
description   what goes in and comes out, for JSON
writer        both files
"""

from onehalf.export.decoder import Decoder
from onehalf.export.description import Description
from onehalf.export.writer import check_target, describe_path, write

__all__ = ["Decoder", "Description", "check_target", "describe_path", "write"]
