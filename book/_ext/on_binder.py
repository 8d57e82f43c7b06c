"""A link that opens a file of the book on Binder, where the build knows the address of the repository.

{binder}`open on Binder <course/noise.ipynb>`    the words, as a link; a dash where there is no address
"""

from docutils import nodes
from sphinx.util.docutils import ReferenceRole


class BinderRole(ReferenceRole):
    def run(self):
        options = self.config.html_theme_options
        repository = options.get("repository_url")
        hub = options.get("launch_buttons", {}).get("binderhub_url")
        if not (repository and hub):
            return [nodes.Text("–")], []
        owner_and_name = repository.rstrip("/").removesuffix(".git").split("/")[-2:]
        branch = options.get("repository_branch") or "main"
        address = f"{hub}/v2/gh/{'/'.join(owner_and_name)}/{branch}?urlpath=lab/tree/book/{self.target}"
        return [nodes.reference("", self.title, refuri=address, internal=False)], []


def setup(app):
    app.add_role("binder", BinderRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
