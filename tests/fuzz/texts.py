"""Random changes to the texts of statements."""

from __future__ import annotations

from random import Random

PIECES = (
    *(
        "'",
        '"',
        "`",
        "[",
        "]",
        "(",
        ")",
        ",",
        ";",
        "--",
        "/*",
        "*/",
        "\n",
        ".",
        "?",
        "?1",
        ":a",
        "@b",
        "$c::d",
    ),
    *(
        "-",
        "+",
        "1",
        "1.5e3",
        ".5",
        "0x1F",
        "x'00'",
        "''",
        "'it''s'",
        "NULL",
        "SELECT",
        "FROM",
        "WHERE",
        "IN",
    ),
    *("VALUES", "JOIN", "LEFT", "ON", "GROUP BY", "ORDER BY", "LIMIT", "UNION ALL", "WITH t AS", "CASE WHEN"),
    *("EXISTS", "BETWEEN", "LIKE", "GLOB", "COLLATE", "CAST", "lidar_pc", "lidar_box", "token", "t1", "%s"),
    *(
        "PRAGMA",
        "ATTACH",
        "EXPLAIN",
        "INSERT INTO",
        "\0",
        "\x1b[2J",
        "\ud800",
        "é",
        "日",
        "\u202e",
        "$$",
        "#",
        "\\",
    ),
)


def changed_text(text: str, random: Random) -> str:
    """A statement of which some parts are changed, left out, repeated or nested."""
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        words = text.split(" ")
        at = random.randrange(len(words))
        what = random.random()
        if what < 0.25:
            words[at] = random.choice(PIECES)
        elif what < 0.55:
            words.insert(at, random.choice(PIECES))
        elif what < 0.7:
            del words[at : at + random.choice((1, 2, 5))]
        elif what < 0.85:
            words[at:at] = words[at : at + random.choice((1, 3, 10))] * random.choice((1, 1, 1, 30))
        elif what < 0.95:
            place = random.randint(0, len(text))
            words = [text[:place] + random.choice(PIECES) + text[place + random.choice((0, 1)) :]]
        else:
            depth = random.choice((2, 50, 2000))
            opening, closing = random.choice(
                (("(", ")"), ("(SELECT ", ")"), ("NOT ", ""), ("-", ""), ("[", "]"))
            )
            words[at] = opening * depth + words[at] + closing * depth
        text = " ".join(words)[:100_000]
    return text
