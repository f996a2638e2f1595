# The commands of this repository. `make` lists them.

# Any Python from 3.11 on. The first one is the version that CI tests.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
RUN := $(VENV)/bin/python
# Wheels only, and only files whose hashes are in the lock files: see CONTRIBUTING.md.
PIP := $(RUN) -m pip install --disable-pip-version-check --quiet --require-hashes --only-binary :all:
LOCK := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--only-binary :all: --annotation-style line --custom-compile-command "make lock"
# The number of test processes, each with its own services. All tests of a file run in one process.
# One more than there are processors: some tests wait more than they compute.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(os.cpu_count() + 1)")
PARALLEL = --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile
LOCKS := requirements.lock requirements-binaries.lock

.PHONY: help run operator up test test-fast test-browser chromium screenshots lint types schema messages migrations check fuzz lock audit pin-images wheel wheels wheel-check clean install install-dev
.DEFAULT_GOAL := help

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.installed ## install and start everything; Ctrl-C stops it
	@$(RUN) manage.py run --with-parent

operator: $(VENV)/.installed ## create an operator for the admin: NAME=alice
	@$(RUN) manage.py create_operator $(NAME) $(ARGS)

up: ## start the server in Docker containers: see docs/operating.md
	@docker/make-secrets.sh
	@docker compose --file docker/compose.yaml up --build --detach --wait

test: $(VENV)/.installed-dev ## run all tests: WORKERS=4 ARGS="-k search"
	@$(RUN) -m pytest $(PARALLEL) $(ARGS)

test-fast: $(VENV)/.installed-dev ## run the quick tests, in about a minute
	@$(RUN) -m pytest $(PARALLEL) -m "not slow" $(ARGS)

test-browser: chromium $(VENV)/.installed-dev ## run the tests of the admin in a browser; installs Chromium on Debian as root
	@$(RUN) -m pytest tests/browser $(ARGS)

chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends chromium >/dev/null; \
	else \
		echo "Chromium is not installed. On Debian, run as root: apt-get install chromium"; exit 1; \
	fi

screenshots: chromium $(VENV)/.installed-dev ## take the screenshots of the README
	@$(RUN) -m tests.browser.screenshots

lint: $(VENV)/.installed-dev ## check style, formatting and imports
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(VENV)/bin/lint-imports --no-logo

types: $(VENV)/.installed-dev ## check types
	@$(RUN) -m mypy .

migrations: $(VENV)/.installed-dev ## check for missing migrations
	@$(RUN) manage.py makemigrations --check --dry-run

schema: $(VENV)/.installed-dev ## generate openapi.yaml
	@$(RUN) manage.py spectacular --validate --fail-on-warn --file openapi.yaml

messages: $(VENV)/.installed-dev ## collect the texts of pages for translation, and compile them: needs gettext
	@cd pages && ../$(VENV)/bin/python -m django makemessages --locale de --no-wrap --add-location file
	@msgfmt --check-format --output-file pages/locale/de/LC_MESSAGES/django.mo pages/locale/de/LC_MESSAGES/django.po

fuzz: $(VENV)/.installed-dev ## call every endpoint with valid and broken input
	@$(RUN) -m tests.fuzz $(ARGS)

lock: $(VENV)/bin/uv ## write the versions and hashes of all requirements: ARGS="--upgrade-package django"
	@$(LOCK) requirements.txt --output-file requirements.lock $(ARGS)
	@$(LOCK) requirements-dev.txt --constraint requirements.lock --output-file requirements-dev.lock $(ARGS)
	@$(LOCK) --no-deps requirements-binaries.txt --output-file requirements-binaries.lock $(ARGS)
	@$(LOCK) --no-deps requirements-multilingual.txt --output-file requirements-multilingual.lock $(ARGS)

audit: $(VENV)/.installed-dev ## look for published vulnerabilities of the requirements
	@$(RUN) -m scripts.audit $(ARGS)

pin-images: ## pin the images of docker/ by digest, which needs Docker and a registry
	@$(firstword $(wildcard $(RUN)) python3) -m scripts.pin_images

check: ## run all checks, as in CI
	@.ci/run

wheel: $(VENV)/.installed-dev ## build the wheel of the server into dist/
	@rm -rf dist
	@$(VENV)/bin/uv build --quiet --wheel --no-build-isolation --python $(RUN) --out-dir dist .

wheels: $(VENV)/.installed-dev ## say for which machines each requirement has a wheel
	@$(RUN) -m scripts.find_wheels $(ARGS)

wheel-check: wheel ## install the wheel into a new venv, start it, store a memory and find it
	@$(RUN) -m scripts.check_wheel dist/*.whl

clean: ## delete the venv and caches, but not var/, which has the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(VENV)/.installed ## install the requirements of the server
install-dev: $(VENV)/.installed-dev ## also install those of tests and checks

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is required, but there is no python3."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is required; $(PYTHON) is older. Select another with PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || \
		{ rm -rf $(VENV); echo "Python cannot create a venv. On Debian and Ubuntu, install python3-venv."; exit 1; }

# Created last, so that an interrupted installation is repeated.
$(VENV)/.installed: $(LOCKS) $(VENV)/bin/python
	@echo "Installing the server's requirements into $(VENV), which takes about a minute …"
	@$(PIP) --requirement requirements.lock
	@$(PIP) --no-deps --requirement requirements-binaries.lock
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing the requirements of tests and checks into $(VENV) …"
	@$(PIP) --requirement requirements-dev.lock
	@touch $@

# The lock files may be incomplete when `make lock` is run, so it installs nothing but uv itself.
$(VENV)/bin/uv: $(VENV)/bin/python requirements-dev.lock
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > $(VENV)/uv.txt
	@$(PIP) --requirement $(VENV)/uv.txt
	@touch $@
