# Google Colab opens this notebook without the package that it needs. Elsewhere this cell does nothing.
import importlib.util
import os
import re
import socket
import subprocess
import sys
from urllib.parse import unquote
from urllib.request import urlopen


def repository():
    """Address and branch that Colab took this notebook from: its server knows, though no manual says so."""
    try:
        server = f"http://{socket.gethostbyname(socket.gethostname())}:9000/api/sessions"
        opened = unquote(unquote(urlopen(server, timeout=10).read().decode()))
    except OSError:
        return None
    found = re.search(r"(https://github\.com/[^/]+/[^/]+)/blob/(.+?)/book/", opened)
    return found and f"{found[1]}@{found[2]}"


if importlib.util.find_spec("noetherlib") is None:
    source = os.environ.get("BOOK_REPOSITORY_URL") or repository()
    if not source:
        raise ModuleNotFoundError(
            "noetherlib is missing, and this notebook cannot tell where to get it. Write the address of "
            "its repository in a cell above, %env BOOK_REPOSITORY_URL=https://..., then run both cells."
        )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "myst-nb", f"git+{source}"]
    subprocess.run(command, check=True)
