"""What two people compare in a verification: seven pictures out of sixty-four, or three numbers, as something to say.

The table is the specification's, and its order is what both sides must agree on; the names are the catalogue's.
"""

from __future__ import annotations

from collections.abc import Sequence

from ernbot.commands.reply import Item, Part, Reply, Symbol, Text

EMOJI = (
    *("🐶 dog", "🐱 cat", "🦁 lion", "🐎 horse", "🦄 unicorn", "🐷 pig", "🐘 elephant", "🐰 rabbit", "🐼 panda"),
    *("🐓 rooster", "🐧 penguin", "🐢 turtle", "🐟 fish", "🐙 octopus", "🦋 butterfly", "🌷 flower", "🌳 tree"),
    *("🌵 cactus", "🍄 mushroom", "🌏 globe", "🌙 moon", "☁️ cloud", "🔥 fire", "🍌 banana", "🍎 apple"),
    *("🍓 strawberry", "🌽 corn", "🍕 pizza", "🎂 cake", "❤️ heart", "😀 smiley", "🤖 robot", "🎩 hat"),
    *("👓 glasses", "🔧 spanner", "🎅 santa", "👍 thumbs-up", "☂️ umbrella", "⌛ hourglass", "⏰ clock", "🎁 gift"),
    *("💡 light-bulb", "📕 book", "✏️ pencil", "📎 paperclip", "✂️ scissors", "🔒 lock", "🔑 key", "🔨 hammer"),
    *("☎️ telephone", "🏁 flag", "🚂 train", "🚲 bicycle", "✈️ aeroplane", "🚀 rocket", "🏆 trophy", "⚽ ball"),
    *("🎸 guitar", "🎺 trumpet", "🔔 bell", "⚓ anchor", "🎧 headphones", "📁 folder", "📌 pin"),
)
"""The table of section "SAS method: emoji", in its order; the second word names the catalogue's `emoji-<word>`."""


def comparison(emoji: Sequence[int], decimals: Sequence[int]) -> Reply:
    """What we see, for the person to compare with their screen: places in `EMOJI`, or numbers when there are none."""
    shown: list[Part] = []
    for place in emoji:
        symbol, _, word = EMOJI[place].partition(" ")
        shown.append(Item(Text("verification-emoji", {"symbol": symbol, "name": Symbol("emoji", word)})))
    if not shown:
        # As text: a language would write 8191 as a quantity.
        first, second, third = map(str, decimals)
        shown = [Item(Text("verification-numbers", {"first": first, "second": second, "third": third}))]
    return Reply((Text("verification-compare"), *shown, Text("verification-decide")))
