import inspect
import re

from laban_collector import errors


def test_the_tree_in_the_docstring_matches_the_class_hierarchy() -> None:
    drawn = re.findall(r"^([│├└─ ]*)(\w+)(?: {2,}\S|$)", errors.__doc__ or "", re.MULTILINE)
    found = [(len(indent) // 4, name) for indent, name in drawn if hasattr(errors, name)]
    depths = {
        name: len(inspect.getmro(kind)) - len(inspect.getmro(errors.CollectorError))
        for name, kind in inspect.getmembers(errors, inspect.isclass)
    }
    assert {name: depth for depth, name in found} == depths
