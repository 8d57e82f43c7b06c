"""Link the README to the built site, once its address is known: `BOOK_URL=https://... make readme`.

Without an address the link is taken out again.
"""

import os
import re
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
PLACE = re.compile(r"(<!-- make readme -->\n).*?(<!-- -->\n)", re.DOTALL)


def linked(text, environ):
    """The README's text with the address that is known, or without one."""
    url = environ.get("BOOK_URL")
    link = f"**[Read the book online.]({url.rstrip('/')}/)**\n\n" if url else ""
    return PLACE.sub(lambda found: found[1] + link + found[2], text)


if __name__ == "__main__":
    README.write_text(linked(README.read_text(encoding="utf-8"), os.environ), encoding="utf-8")
