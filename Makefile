# Everything that one does with this checkout. `make` alone lists it.

# Any Python from 3.11 on, the one that is tested first.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --disable-pip-version-check --quiet --prefer-binary --constraint constraints.txt
# Tests run in so many processes, each with services of its own; all tests of a file in one of them.
WORKERS ?= auto
PARALLEL = --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile
PINS := requirements.txt requirements-binaries.txt constraints.txt

.PHONY: help run operator up test test-fast test-browser chromium screenshots lint types schema migrations check fuzz clean install install-dev
.DEFAULT_GOAL := help

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.installed ## start the server, with everything it needs, until Ctrl-C
	@$(RUN) manage.py run --with-parent

operator: $(VENV)/.installed ## let yourself sign in to the admin, or another: NAME=alice
	@$(RUN) manage.py create_operator $(NAME) $(ARGS)

up: ## start it in containers, with Docker, for good: see docs/operating.md
	@docker/make-secrets.sh
	@docker compose --file docker/compose.yaml up --build --detach --wait

test: $(VENV)/.installed-dev ## run all tests, against services of their own: WORKERS=4 ARGS="-k search"
	@$(RUN) -m pytest $(PARALLEL) $(ARGS)

test-fast: $(VENV)/.installed-dev ## run the tests that start no programs, in about a minute
	@$(RUN) -m pytest $(PARALLEL) -m "not slow" $(ARGS)

test-browser: chromium $(VENV)/.installed-dev ## run the tests of the admin in a browser, and install one where that may be done
	@$(RUN) -m pytest tests/browser $(ARGS)

chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends chromium >/dev/null; \
	else \
		echo "There is no Chromium: install it, on Debian as root with: apt-get install chromium"; exit 1; \
	fi

screenshots: chromium $(VENV)/.installed-dev ## take the pictures of the admin that the README shows
	@$(RUN) -m tests.browser.screenshots

lint: $(VENV)/.installed-dev ## check the style, the formatting and which package imports which
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(VENV)/bin/lint-imports --no-logo

types: $(VENV)/.installed-dev ## check the types
	@$(RUN) -m mypy .

migrations: $(VENV)/.installed-dev ## check that no migration is missing
	@$(RUN) manage.py makemigrations --check --dry-run

schema: $(VENV)/.installed-dev ## write openapi.yaml from the views
	@$(RUN) manage.py spectacular --validate --fail-on-warn --file openapi.yaml

fuzz: $(VENV)/.installed-dev ## call every operation with valid and with broken input
	@$(RUN) -m tests.fuzz $(ARGS)

check: ## all of it, as the continuous integration does
	@.ci/run

clean: ## remove what was installed and cached, but not var/, where the memories are
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(VENV)/.installed ## install what the server needs
install-dev: $(VENV)/.installed-dev ## install what tests and checks need as well

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and there is no python3 here."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name one with PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || \
		{ rm -rf $(VENV); echo "Python cannot make a venv: Debian and Ubuntu have it in python3-venv."; exit 1; }

# Made last, so an installation that was broken off is taken up again.
$(VENV)/.installed: $(PINS) $(VENV)/bin/python
	@echo "Installing what the server needs into $(VENV), which takes about a minute …"
	@$(PIP) --requirement requirements.txt
	@$(PIP) --no-deps --requirement requirements-binaries.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt requirements-multilingual.txt
	@echo "Installing what tests and checks need into $(VENV) …"
	@$(PIP) --requirement requirements-dev.txt
	@touch $@
