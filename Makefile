# `make` alone lists what there is. PYTHON=..., VENV=..., RUN=..., STUDY=... and JOBS=... may be given on the
# command line.

# The first Python that TensorFlow has wheels for; python3, for the message below, if there is none.
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$python && break; done),python3)
VENV ?= .venv
BIN := $(VENV)/bin
RUN ?= runs/quickstart
STUDY ?= studies/digits
# Processes of `make test`. Each of two grew to 6 GB of memory.
JOBS ?= 2
PACKAGING := setup.cfg pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help quickstart study test test-slow test-faults test-input coverage mutants audit lint format \
	docs site site-serve benchmark clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

quickstart: $(VENV)/installed  ## install, train a GAN on digits, score it, export it, use the export
	$(BIN)/compare-gan train --gin_config=quickstart.gin --model_dir=$(RUN)
	$(BIN)/compare-gan evaluate --model_dir=$(RUN)
	$(BIN)/compare-gan export --model_dir=$(RUN)
	$(BIN)/compare-gan report --model_dir=$(RUN)
	@$(BIN)/python examples/load_module.py $$(ls -td $(RUN)/hub/*/generator | head -n 1) \
		2> $(RUN)/load_module.log || { cat $(RUN)/load_module.log; exit 1; }
	@echo
	@echo "checkpoints    $(RUN)/checkpoints"
	@echo "scores         $(RUN)/scores.jsonl"
	@echo "report         $(RUN)/report/index.html"
	@echo "sample grid    $(RUN)/report/samples.png"

study: $(VENV)/installed-study  ## compare 3 losses with and without spectral norm on digits, 3 seeds each
	$(BIN)/compare-gan study --gin_config=study/digits.gin --study_dir=$(STUDY)

test: $(VENV)/installed-dev  ## install with the tools of developers, and run the fast tests
	$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile

test-slow: $(VENV)/installed-dev  ## run the tests that `make test` leaves out
	$(BIN)/python -m pytest -m slow

test-faults: $(VENV)/installed-dev  ## kill, stop and starve every verb: 100 kills, signals, full disks
	COMPARE_GAN_KILLS=100 COMPARE_GAN_DAMAGES=300 $(BIN)/python -m pytest -m "slow or not slow" \
		tests/faults tests/runs/test_damage.py tests/storage tests/bin/test_interrupts.py

test-input: $(VENV)/installed-dev  ## run 1,000 commands with generated wrong input
	$(BIN)/python -m pytest -m slow tests/input

coverage: $(VENV)/installed-dev  ## the share of lines that the fast tests run, by package
	$(BIN)/python -m coverage erase
	@for tests in $$(dirname tests/*/test_*.py | sort -u) "tests/test_*.py"; do \
		$(BIN)/python -m coverage run -m pytest -q $$tests || echo "$$tests: a test failed"; \
	done
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python tests/helpers/covered.py --least=0.9

mutants: $(VENV)/installed-mutants  ## how many small faults the tests find; after `make coverage`, hours
	$(BIN)/python tests/helpers/mutants.py --number=320 --least=0.85

lint: $(VENV)/installed-dev  ## check style, format, and the types of what is public
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error --pythonpath $(BIN)/python

format: $(VENV)/installed-dev  ## mend style and format, where that can be done by a tool
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/installed  ## write what is generated in docs/ anew: tables, pages, pictures
	$(BIN)/python docs/make/configs.py
	$(BIN)/python docs/make/papers.py
	$(BIN)/python docs/make/pictures.py
	$(BIN)/python docs/make/pages.py

requirements-hashed.txt: setup.cfg constraints.txt
	$(BIN)/python -m pip install uv
	$(BIN)/uv pip compile setup.cfg --constraint constraints.txt --python-version 3.11 \
		--generate-hashes --no-annotate --custom-compile-command 'make requirements-hashed.txt' \
		--output-file $@

audit:  ## look the pinned dependencies up among the known vulnerabilities; needs pypi.org
	$(BIN)/python -m pip install pip-audit
	$(BIN)/pip-audit --requirement requirements-hashed.txt --require-hashes --disable-pip

site: $(VENV)/installed-docs  ## build the documentation as a site, in site/; a dead link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

site-serve: $(VENV)/installed-docs  ## show the site on port 8000 of this machine, as you change it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --livereload

benchmark: $(VENV)/installed-dev  ## run every script of benchmarks/
	@for script in benchmarks/*.py; do echo "$$script" && $(BIN)/python "$$script" || exit 1; done

clean:  ## remove the virtual environment and what the tools leave; runs/ stays
	rm -rf $(VENV) build dist site compare_gan_tf.egg-info .hypothesis .pytest_cache .ruff_cache .coverage \
		htmlcov .mutants.jsonl

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is none of them:" \
			"make PYTHON=/path/to/python3.11"; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(PACKAGING) | $(BIN)/python
	$(BIN)/python -m pip install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-study: $(PACKAGING) | $(BIN)/python
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[study]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-dev: $(PACKAGING) | $(BIN)/python
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/installed $(VENV)/installed-study

$(VENV)/installed-mutants: $(PACKAGING) | $(BIN)/python
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev,mutants]'
	@touch $@ $(VENV)/installed $(VENV)/installed-dev

$(VENV)/installed-docs: $(PACKAGING) | $(BIN)/python
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[docs]'
	@touch $@ $(VENV)/installed
