# The course's verbs. `make` prints them.
# What `clean` removes is this folder's: `make -f` from elsewhere would remove that of another.
ifneq "$(realpath $(dir $(lastword $(MAKEFILE_LIST))))" "$(realpath .)"
$(error this is not the folder of the course: go there, or `make -C FOLDER`)
endif
# The first that runs and is new enough: pyenv has a python3.11 that fails where another one is chosen.
IS_RIGHT := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,$(shell $(name) -c '$(IS_RIGHT)' 2>/dev/null && echo $(name))))
# Not the environment's VENV, which `clean` would remove; `make VENV=folder` still counts.
VENV := .venv
BIN := $(VENV)/bin
ARGS :=
# Processes that run the tests; of a notebook, the cells stay together.
JOBS ?= 2
# What tests/conftest.py sets, for the run of the notebooks that does not read it.
TEST_ENVIRONMENT := LR_COURSE_OFFLINE=1 LR_COURSE_PROGRESS= TQDM_DISABLE=1 OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1
NBVAL = $(TEST_ENVIRONMENT) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -c tests/nbval.ini --nbval-lax
START := notebooks/00_start_here.ipynb
# JupyterLab refuses to run as root (in a container, say) unless told that it may.
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
# Sliders that the kernel answers: no message waits for another one's acknowledgement. The kernels of
# a gateway need Jupyter's own class for them; `make lab PROMPT=` leaves it to the user's settings.
PROMPT := $(if $(JUPYTER_GATEWAY_URL)$(findstring gateway,$(ARGS)),,--ServerApp.kernel_websocket_connection_class=course_lib.jupyter.PromptConnection)

.DEFAULT_GOAL := help
# What needs no framework, and the Pythons in which it is tried.
PYTHONS ?= python3.11 python3.12 python3.13
FREE := tests/test_schedules.py tests/test_progress.py \
  $(addprefix course_lib/,schedules.py plateau.py formulas finder/suggestions.py rosetta \
  questions/values.py questions/calls.py)
.PHONY: help lab test slow pythons quick notebooks check benchmarks site clean

help:  ## print this list of verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(VENV)/.course  ## install the course and open it in JupyterLab (ARGS="--no-browser --port 8890")
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/$(START) $(PROMPT) $(ROOT_FLAG) $(ARGS)

test: $(VENV)/.test  ## install what the tests need and run them (about 20 minutes on two cores; ARGS="-k cosine": some, and no notebooks)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)
	$(if $(ARGS),,$(NBVAL) notebooks)

quick: $(VENV)/.test  ## a first look: not the tests of notebooks, grader, site and JupyterLab (about 3 minutes)
	$(BIN)/python -m pytest --ignore tests/test_notebooks.py --ignore tests/test_browser.py --ignore tests/test_site.py --ignore-glob 'tests/test_grade_*' $(ARGS)

slow: $(VENV)/.test  ## what make test leaves out: lessons in TensorFlow, solutions in PyTorch, lr-course verify (5 minutes; continuous integration does)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m slow tests/test_notebooks.py tests/test_grade_verify.py tests/test_guides.py
	$(NBVAL) solutions

pythons:  ## what needs no framework, in every Python of PYTHONS that is here (PYTHONS="python3.12 ...")
	@rm -rf build/lib build/bdist.*  # pip would install what is there, deleted modules too
	@set -e; tried=0; for each in $(PYTHONS); do \
	  if ! $$each -c '' 2>/dev/null; then echo "$$each: not on this machine"; continue; fi; \
	  at=build/pythons/$$(basename $$each); echo "$$($$each --version): installing without extras..."; \
	  $$each -m venv --clear $$at; \
	  $$at/bin/python -m pip install --quiet --disable-pip-version-check ".[check]"; \
	  $$at/bin/python -m pytest -q -p no:cacheprovider $(FREE); tried=$$((tried + 1)); \
	done; test $$tried -gt 0

notebooks: $(VENV)/.test  ## build notebooks/, exercises/ and solutions/ from lessons/
	$(BIN)/python tools/build_notebooks.py $(ARGS)

check: $(VENV)/.test  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m mypy

benchmarks: $(VENV)/.test  ## measure against the frameworks' own; writes benchmarks/results.md
	$(BIN)/python benchmarks/run.py $(ARGS)

site: $(VENV)/.test  ## build the site of all lessons, guides and the reference into build/site
	$(BIN)/python tools/build_site.py $(ARGS)

clean:  ## remove the environment and everything that tools left behind
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis .artifacts
	find . -name __pycache__ -prune -exec rm -rf {} +

# A stamp is newer than pyproject.toml once the packages named there are installed, so that a second
# call installs nothing.
$(VENV)/.python:
	@$(PYTHON) -c '$(IS_RIGHT)' 2>/dev/null || { \
	  echo "The course needs Python 3.11, 3.12 or 3.13, for which there are PyTorch and TensorFlow; $(or $(PYTHON),what is on the PATH) is none. Install one, or say where it is: make lab PYTHON=/path/to/python3.11"; exit 1; }
	@# What is left of an environment that was not finished has no pip.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || \
	  $(PYTHON) -m venv $$(test ! -e $(VENV)/pyvenv.cfg || echo --clear) $(VENV) || { \
	  echo "No environment could be made in $(VENV). On Debian and Ubuntu: apt install python3-venv; then the same again"; exit 1; }
	@touch $@

$(VENV)/.course: $(VENV)/.python pyproject.toml tools/overrides.json
	@echo "Installing the course into $(VENV) (once; a few minutes, 2 to 4 GB)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[course]"
	@# No pop-up about news at the first start, and no call home.
	@mkdir -p $(VENV)/share/jupyter/lab/settings && cp tools/overrides.json $(VENV)/share/jupyter/lab/settings/
	@touch $@

$(VENV)/.test: $(VENV)/.course
	@echo "Installing what the tests need..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[course,test]"
	@touch $@
