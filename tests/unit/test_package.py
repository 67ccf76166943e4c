"""What `import tagpipe` offers, and that it is found."""

from __future__ import annotations

import tagpipe


def test_every_public_name_is_found_where_the_package_says() -> None:
    assert tagpipe.load.__module__ == "tagpipe.operations.load"
    assert tagpipe.build.__module__ == "tagpipe.operations.build"
    assert {name: hasattr(tagpipe, name) for name in tagpipe.__all__} == dict.fromkeys(tagpipe.__all__, True)
