# Everything from a bare machine: Python 3.11 or newer with venv (Debian: apt install make python3 python3-venv).
#
#   make train                          the A1 on flat ground: train, evaluate, write a video
#   make train TASK=a1                  another task
#   make train ARGS="--num_envs=1024"   more options for train.py
#   make train EXTRAS=gpu               with MuJoCo Warp, for an NVIDIA GPU
#
# Torch is installed first, by TORCH, and the project's own requirement (a range) is then already met. PyPI's torch for
# Linux is the build for NVIDIA GPUs, several GB. Without a GPU a much smaller one will do:
#
#   make train TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"
#
# The exact version lets pip choose a CPU build that is provided locally (2.13.0+cpu, by find-links in pip's
# configuration) over the one on PyPI.

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
EXTRAS ?=
TASK ?= a1_flat
ARGS ?=
EVALUATE_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: help train evaluate play test check format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

train: $(INSTALLED) ## train TASK, evaluate the result, write a video of it
	$(BIN)/python legged_gym/scripts/train.py --task=$(TASK) --headless $(ARGS)
	$(MAKE) evaluate play EVALUATE_ARGS="--num_episodes=400"

evaluate: $(INSTALLED) ## measure the latest policy of TASK
	$(BIN)/python legged_gym/scripts/evaluate.py --task=$(TASK) $(EVALUATE_ARGS) --json=logs/$(TASK)_evaluation.json

play: $(INSTALLED) ## show the latest policy of TASK: in a window, or as a video where there is no display
	$(BIN)/python legged_gym/scripts/play.py --task=$(TASK) --video

test: $(INSTALLED_DEV) ## run the tests, one process a core; those of a file share worlds and stay together
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=8 --dist=loadfile --no-loadscope-reorder

check: $(INSTALLED_DEV) ## lint, check types, check that the syntax is Python 3.8's
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vermin --quiet --no-tips --target=3.8- --violations --exclude-regex 'sim/mujoco_[a-z]*\.py$$' legged_gym rsl_rl

format: $(INSTALLED_DEV) ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what make and the tools made; runs in logs/ stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip comes last into an environment, so one that was left half-made (no python3-venv on Debian) is made again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("error: Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

# Stamps: installing happens once, and again when the requirements change.
$(INSTALLED): setup.py requirements.txt | $(BIN)/pip
	$(PIP) $(TORCH)
	$(PIP) --editable ".$(if $(EXTRAS),[$(EXTRAS)])"
	touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(PIP) --editable ".[dev]"
	touch $@
