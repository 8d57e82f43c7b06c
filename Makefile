# Every target sets up .venv by itself, and again only when the pins change.
PYTHON ?= python3
PORT ?= 8000
PAGES ?= --every-page
STUDENTS ?= 9
export STUDENTS
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help book pdf live test test-live test-panel test-site versions course serve lab readme notebooks bench clean
.PHONY: book-environment live-environment test-environment course-environment

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  Another interpreter (3.11 or later): make PYTHON=python3.12 book"

book: book-environment ## Build the website into _build/html (stops at once when nothing changed)
	@$(BIN)/python -m tools.build

pdf: book test-environment ## Print the whole book into _build/book.pdf, with Chromium or Chrome
	@$(BIN)/python -m tools.pdf

live: export LIVE = 1
live: live-environment book ## Build the website so that its notebooks run in the reader's browser (80 MB more)

test-live: export LIVE = 1
test-live: live test-environment ## Run every such notebook to its end, in a browser without a window (PAGES= for three)
	@$(BIN)/python -m pytest tests/test_live.py tests/test_pyodide.py $(PAGES) -n auto --dist worksteal

test-panel: test-environment ## Use the panel for a model of yours by mouse and keyboard, in JupyterLab in a browser
	@$(BIN)/python -m pytest tests/test_lab.py --panel

test: test-environment ## Test the library, the notebooks' printed numbers, and this tree
	@$(BIN)/python -m pytest tests book --nbval --nbval-current-env -n auto --dist loadfile --results _build/tests.json $(TESTS)

test-site: book test-environment ## Build the website and test it in a browser, which `make test` does if it is built
	@$(BIN)/python -m pytest tests/test_site.py

versions: live-environment test-environment ## Test the library on every Python here, its oldest dependencies, and in Pyodide
	@$(BIN)/python -m tools.versions

course: course-environment ## Make the student versions, grade sample submissions (STUDENTS=60: a whole class), try the guide
	@$(BIN)/python -m tools.course
	@$(BIN)/python -m pytest $(addprefix tests/test_course_,$(addsuffix .py,chain class guide pages))

serve: book ## Build the website and serve it at http://localhost:8000 (or PORT=...)
	@$(BIN)/python -m http.server $(PORT) --bind localhost --directory _build/html

lab: book-environment ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab book

readme: ## Link README.md to the site: BOOK_URL=https://... make readme
	@$(PYTHON) tools/readme.py

notebooks: book-environment ## Execute every notebook from a fresh kernel and normalise it for git
	@$(BIN)/python -m tools.notebooks

bench: test-environment ## Run the benchmarks and print their ratios
	@$(BIN)/python -m benchmarks

clean: ## Remove everything built; .venv stays (rm -rf .venv removes it too)
	rm -rf _build .pytest_cache .hypothesis .ruff_cache *.egg-info
	find book noetherlib tests tools -name __pycache__ -prune -exec rm -rf {} +

book-environment:
	@$(PYTHON) tools/environment.py
	@$(BIN)/python -m tools.recording

live-environment:
	@$(PYTHON) tools/environment.py live

test-environment:
	@$(PYTHON) tools/environment.py test

course-environment:
	@$(PYTHON) tools/environment.py test course
