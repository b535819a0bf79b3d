# Needs python3 (3.11 or later) and make; everything else comes by itself, into this folder.
# Without make: python3 tools/bootstrap.py run

PYTHON ?= python3
TARGETS := run test lint types format migrate tables bench bench-full trust containers wheel deps

.PHONY: help $(TARGETS)

help:
	@$(PYTHON) tools/bootstrap.py help

# Options go in ARGS: make run ARGS="--port 9000"
$(TARGETS):
	@$(PYTHON) tools/bootstrap.py $@ $(ARGS)
