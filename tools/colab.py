# @title Google Colab: run this cell to install the book's library
# Colab opens this notebook without it. Elsewhere this cell does nothing.
import importlib.util
import os
import re
import socket
import subprocess
import sys
from urllib.parse import unquote
from urllib.request import urlopen


def repository():
    """Whence Colab took this notebook: its server knows, no manual does."""
    try:
        host = socket.gethostbyname(socket.gethostname())
        sessions = f"http://{host}:9000/api/sessions"
        opened = urlopen(sessions, timeout=10).read().decode()
    except OSError:
        return None
    found = re.search(
        r"(https://github\.com/[^/]+/[^/]+)/blob/(.+?)/book/",
        unquote(unquote(opened)),
    )
    return found and f"{found[1]}@{found[2]}"


if importlib.util.find_spec("noetherlib") is None:
    source = os.environ.get("BOOK_REPOSITORY_URL") or repository()
    if not source:
        said = "noetherlib is missing, and this notebook cannot tell where"
        said += " to get it. Write its repository's address in a cell"
        said += " above, %env BOOK_REPOSITORY_URL=https://..., and run both"
        raise ModuleNotFoundError(said)
    install = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, f"git+{source}"], check=True)
