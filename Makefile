# make demo, make test: nothing has to be prepared but a Python 3.11 or newer.
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
RUN = $(PYTHON) -B -m sandbox.environments tools && $(VENV_PYTHON)

.DEFAULT_GOAL := help
.PHONY: help demo demo-down sandbox-up sandbox-down cluster-up cluster-down test interpreters test-esb bench docs storm clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## start a local BlueKing, install the channel by the playbooks, send a message, show what arrived
	@$(RUN) -m sandbox.demo

demo-down: sandbox-down ## stop what make demo started

sandbox-up: ## start the sandbox (ARGS="--hosts 2 --python 2.7 …")
	@$(RUN) -m sandbox up $(ARGS)

sandbox-down: ## stop the sandbox
	@$(RUN) -m sandbox down

cluster-up: ## start four real hosts in containers, for playbooks by hand (ARGS="--python 2.7"; root, podman, runc, mmdebstrap)
	@$(RUN) tests/cluster/clusterkit up .sandbox/cluster $(ARGS)

cluster-down: ## stop and remove what make cluster-up started
	@$(RUN) tests/cluster/clusterkit down .sandbox/cluster

test: ## run every test this machine can run (STAGE="static components …", ARGS="pytest's arguments")
	@$(RUN) -m tests.run $(STAGE) $(if $(ARGS),-- $(ARGS))

interpreters: ## build the Pythons that the tests need and this machine lacks, by pyenv; say what to do where that is not possible
	@$(PYTHON) -B -m tests.run.interpreters

test-esb: ## run the contract tests against a real ESB tree (ESB_HOME=DIR ESB_PYTHON=PATH [SERVER=gunicorn|uwsgi])
	@$(RUN) -m tests.real --esb-home '$(ESB_HOME)' --esb-python '$(ESB_PYTHON)' --server '$(or $(SERVER),gunicorn)' $(if $(ARGS),-- $(ARGS))

bench: ## measure what the channel and the playbooks cost (ARGS="channel", ARGS="playbooks --tasks" …)
	@$(RUN) -m bench $(ARGS)

docs: ## make references, changelog, error pages, drawings, pictures and the recording of install.yml anew
	@$(RUN) -m scripts.role_docs && .venv/bin/python -m scripts.error_pages && .venv/bin/python -m scripts.draw_diagrams \
	  && .venv/bin/python -m scripts.references && .venv/bin/python -m scripts.screenshots

storm: ## the alarm storms of their full size, 10,000 messages each, with their figures (ARGS="-k mixed --esb current")
	@$(RUN) -m pytest -q -p no:cacheprovider tests/storm --whole $(ARGS)

clean: sandbox-down ## stop the sandbox and remove everything that was made in this clone
	@rm -rf .venv .sandbox .results
