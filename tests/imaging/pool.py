"""Files through a real pool of sandboxed workers, as the bot has them looked at."""

import pytest

from ernbot.core.errors import Refused
from ernbot.imaging.model import Preview
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer


async def shown(previewer: Previewer, data: bytes, claimed: str | None = None) -> Preview:
    """The one preview of a file."""
    (preview,) = await previewer.previews([BytesSource(data)], claimed=claimed)
    return preview


async def refusal(previewer: Previewer, data: bytes, claimed: str | None = None) -> Refused:
    """Why there is no preview of a file."""
    with pytest.raises(Refused) as caught:
        await shown(previewer, data, claimed)
    return caught.value
