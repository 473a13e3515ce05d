"""What tests of pictures share."""

from collections.abc import AsyncIterator

import pytest

from ernbot.imaging.worker import Previewer


@pytest.fixture(scope="module")
async def previewer() -> AsyncIterator[Previewer]:
    """A pool of one sandboxed worker, for all tests of a file."""
    async with Previewer(workers=1) as pool:
        yield pool
