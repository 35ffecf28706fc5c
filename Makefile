# All commands of the project: `make` lists them.

ARCHITECTURE ?= x86_64
STAND_IN := triptych-lambda-stand-in:3.13

export ARCHITECTURE
export INFERENCE_ARCHITECTURE
export SERVING
# Commands on an AWS account work in the region of its profile. All others run on this machine, and need just any.
ifeq ($(filter preflight deploy destroy redrive smoke env add,$(MAKECMDGOALS)),)
export AWS_DEFAULT_REGION ?= us-east-1
endif
export SAM_CLI_TELEMETRY := 0
# Kept bytecode halves the time that tests take to start.
unexport PYTHONDONTWRITEBYTECODE
export MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# Never by its whole path, which may hold spaces.
UV := $(if $(wildcard .tools/bin/uv),.tools/bin/uv,$(if $(shell command -v uv),uv,.tools/bin/uv))
INSTALL_UV := $(filter .tools/bin/uv,$(UV))
RUN := $(UV) run --quiet

# What ONNX Runtime asks for and does not need to run models is left out of its layer.
EXPORT := $(UV) export --frozen --quiet --package triptych --no-emit-workspace --no-annotate --no-header \
	--no-emit-package protobuf --no-emit-package flatbuffers --no-emit-package packaging

.DEFAULT_GOAL := help

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

# ------------------------------------------------------------------------------------------------- to use it

.PHONY: demo
demo: setup  ## show real predictions on this machine; starts what it needs; SERVING=Microservices
	@$(RUN) python -m local demo

.PHONY: up
up: build  ## start the emulator, deploy to it and print URLs, key and curl lines; again: redeploy; SERVING=Microservices
	@$(RUN) python -m local up

.PHONY: down
down: $(INSTALL_UV)  ## stop what `make up` started, and discard its data; YES=1 does not ask
	@$(RUN) python -m local down $(YES:%=--yes)

.PHONY: env
env: setup  ## print URL, key, buckets for a shell: eval "$$(make env)"; STACK=name: of your AWS account
	@$(RUN) python -m local env $(STACK:%=--stack %)

.PHONY: smoke
smoke: setup  ## check a running stack, and clean up; STACK=name: of your AWS account
	@$(RUN) python -m local smoke $(STACK:%=--stack %)

.PHONY: redrive
redrive: setup  ## queue retryable failed jobs again; STACK=name: of your AWS account
	@$(RUN) python -m local redrive $(STACK:%=--stack %)

.PHONY: transform
transform: MODEL ?= penguins
transform: FILE ?= examples/penguins.csv
transform: setup  ## upload a file to the local stack and fetch its predictions; MODEL=, FILE=, OPTIONS="join=all ..."
	@$(RUN) python -m local transform --model $(MODEL) --file $(FILE) $(OPTIONS:%=--option %)

# Values go by the environment: paths may hold spaces and quotes.
export FROM EXAMPLE
ADDED = $(MODEL:%=--model %) $(if $(FROM),--from "$$FROM") $(if $(EXAMPLE),--example "$$EXAMPLE") $(if $(JSON),--json)

.PHONY: inspect
inspect: setup  ## say whether a model would be served, what it needs and costs; MODEL=, FROM=folder or .onnx; JSON=1
	@$(RUN) python -m adding inspect $(ADDED)

.PHONY: add
add: setup  ## the same, and add it to the layer of models, or STACK=name (local: that of make up); VERSION=
	@$(RUN) python -m adding add $(ADDED) $(VERSION:%=--version %) $(STACK:%=--stack %)

.PHONY: sam-local
sam-local: build  ## serve the API on port 3000 from Lambda containers (needs Docker)
	$(RUN) sam local start-api --host 127.0.0.1 --warm-containers EAGER \
		--parameter-overrides ModelRepository=/opt/models \
		$$(docker image inspect $(STAND_IN) > /dev/null 2>&1 && echo --invoke-image $(STAND_IN) --skip-pull-image)

# Parameters go by the environment: their values may hold quotes.
export PARAMETERS

.PHONY: preflight
preflight: setup  ## report problems and unexpected costs in your AWS account; STACK=name
	@$(RUN) python -m account preflight $(STACK:%=--stack %) --architecture $(ARCHITECTURE) \
		$(INFERENCE_ARCHITECTURE:%=--inference-architecture %) --parameters "$$PARAMETERS"

.PHONY: deploy
deploy: build  ## create or update a stack in your AWS account; STACK=name, PARAMETERS="Name=value ...", YES=1 asks nothing
	@$(RUN) python -m account deploy $(STACK:%=--stack %) --architecture $(ARCHITECTURE) \
		$(INFERENCE_ARCHITECTURE:%=--inference-architecture %) --parameters "$$PARAMETERS" $(YES:%=--yes)

.PHONY: destroy
destroy: setup  ## remove a stack from your AWS account, and list what stays; STACK=name, YES=1, DATA=1 deletes buckets too
	@$(RUN) python -m account destroy $(STACK:%=--stack %) $(YES:%=--yes) $(DATA:%=--data)

# --------------------------------------------------------------------------------------------- to work on it

.PHONY: setup
setup: $(INSTALL_UV)  ## install Python 3.13 and every tool into .venv
	@$(UV) sync --quiet --locked

# One cache per architecture: SAM's cache does not know what ARCHITECTURE is.
.PHONY: build
build: setup  ## build the layers and the function into .aws-sam
	@$(RUN) sam build --cache-dir .aws-sam/cache-$(ARCHITECTURE)$(INFERENCE_ARCHITECTURE:%=-%) \
		--parameter-overrides Architecture=$(ARCHITECTURE) $(INFERENCE_ARCHITECTURE:%=Serving=Microservices InferenceArchitecture=%)

.PHONY: stand-in
stand-in: setup  ## build an image for Lambda containers, if AWS's cannot be pulled (as root)
	@tests/sam/stand-in/build

.PHONY: layers
layers: $(INSTALL_UV)  ## write the layer's requirements from the lock file
	@$(EXPORT) --output-file layers/onnxruntime/requirements.txt > /dev/null

.PHONY: check
check: setup  ## check style and types, and run the unit tests with few examples: the inner loop, in a minute
	@$(MAKE) --jobs --output-sync style types unit

.PHONY: unit
unit: setup
	@$(RUN) pytest tests/unit --numprocesses=auto --dist=worksteal --hypothesis-profile=quick --quiet -m "not slow"

# One more than processors: tests of the deployed stack wait more than they compute.
TEST_PROCESSES ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

.PHONY: test
test: setup  ## check and test everything, shuffled, on all processors
	@$(MAKE) --jobs --output-sync lint types build
	@$(RUN) pytest --numprocesses=$(TEST_PROCESSES) --dist=loadgroup \
		--randomly-seed=$$(git rev-list --count HEAD 2> /dev/null || echo 1)  # one order for each commit

N ?= 100
SEED ?= 1

.PHONY: mutants
mutants: $(INSTALL_UV)  ## mutation tests: list small changes that no test catches; MODULE=folder, N=100, SEED=1
	@$(UV) run --quiet --isolated --locked --no-default-groups --group mutants \
		python -m tests.mutants --number $(N) --seed $(SEED) $(MODULE:%=--module %)

.PHONY: trace
trace: setup  ## list the files and functions that a request, a job and a chunk of a file pass; FLOWS="upload plan"
	@$(RUN) python -m tests.trace $(FLOWS)

# A measurement needs the machine for itself.
# What cannot be measured keeps its last result, and is named in the end.
MEASURE = failed=; for question in $(1); do $(RUN) python -m benchmarks.$$question $(2) || failed="$$failed $$question"; done; \
	$(MAKE) bench-report && { test -z "$$failed" || { echo "not measured:$$failed"; exit 1; }; }

.PHONY: bench
bench: build  ## measure against the lowest possible cost and other tools, in about twelve minutes
	@$(call MEASURE,warm_request cold_start serving jobs batch workflow texts cost profiles)

.PHONY: bench-full
bench-full: build  ## the same at length, and against other servers, which it installs
	@$(call MEASURE,warm_request cold_start serving jobs batch workflow texts servers cost profiles,--effort full)

.PHONY: bench-report
bench-report: setup  ## write docs/benchmarks.md, docs/cost.md and its row in README from the results
	@$(RUN) python -m benchmarks.report
	@$(RUN) python -m benchmarks.cost_page

.PHONY: lint
lint: style requirements valid  ## check style, imports, template and requirements

.PHONY: style
style: setup
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) lint-imports

.PHONY: valid
valid: setup
	@$(RUN) cfn-lint template.yaml
	@$(RUN) sam validate --lint

.PHONY: requirements
requirements: $(INSTALL_UV)
	@$(EXPORT) | diff - layers/onnxruntime/requirements.txt \
		|| { echo "layers/onnxruntime/requirements.txt is not what uv.lock says: run make layers"; exit 1; }

.PHONY: types
types: mypy pyright  ## check the types twice: mypy and pyright

.PHONY: mypy pyright
mypy pyright: setup
	@$(RUN) $@

.PHONY: clean
clean:  ## delete what was built (not .venv)
	rm -rf .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv is installed once, beside the project, where the machine has none.
.tools/bin/uv:
	@echo "installing uv into .tools"
	@{ python3 -m venv .tools && .tools/bin/python -m pip install --quiet 'uv>=0.11'; } \
		|| python3 -m pip install --quiet --target .tools 'uv>=0.11' \
		|| { echo "uv could not be installed: do it by hand, https://docs.astral.sh/uv"; exit 1; }
