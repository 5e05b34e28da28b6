# SPDX-License-Identifier: GPL-3.0-or-later
# Words for people and for CI. Every target calls one script in tools/, which says what it does.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup quickstart check test fault generate docs bench molecule sanity

# The test tiers (folders of tests/) that `make test` runs, and what else pytest is told; empty: all of them.
TIERS ?=
ARGS ?=

help:  ## Show these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' "$(firstword $(MAKEFILE_LIST))"

setup:  ## Install all that development needs: Debian packages, Borg, .venv (does nothing when nothing is missing)
	@tools/setup test

quickstart:  ## Set up, then declare, back up, restore and prove a real tree below a private prefix
	@tools/setup runtime
	@.venv/bin/python tools/quickstart

check:  ## All static checks: format, types, layers, Ansible and YAML rules, generated files, changelog
	@tools/setup test
	@tools/check

test:  ## Set up, check, then run all tests (TIERS="unit golden" for some, ARGS for pytest)
	@tools/setup test
	@tools/test "$(TIERS)" "$(ARGS)"

fault:  ## Run tests/fault with its full counts: 50 kills each, 100,000 changing files (ARGS="-k restore")
	@tools/setup test
	@tools/fault $(ARGS)

generate:  ## Write every generated file anew: schemas, reference pages
	@tools/setup test
	@tools/generate

docs:  ## Check the documentation: generated pages, plugin documentation, links
	@tools/setup test
	@tools/docs

bench:  ## Measure beside bare Borg, borgmatic, Bacula and a usual playbook (ARGS="queries --full")
	@tools/setup test
	@.venv/bin/python tools/bench $(ARGS)

molecule:  ## Run the stories in molecule/ on real Debian hosts with systemd
	@tools/setup lab
	@tools/molecule

sanity:  ## Run ansible-test sanity on the built collection
	@tools/setup test
	@tools/sanity
