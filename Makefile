# Everything a person needs: `make demo`, `make test`; as root (with sudo where it exists).

SHELL := /bin/bash
SWIFT_FOLDER = $(shell Scripts/find-swift)
SWIFT = PATH="$(SWIFT_FOLDER):$$PATH" swift
KUBECTL := .build/tools/bin/kubectl
DOCKER := .build/tools/docker
SOAK_SECONDS ?= 1800
# Comparisons that compute for minutes: beside them nothing else would get a turn.
LONG_TESTS := PolicyEngineTests|BPFDataplaneTests|PolicyAnalysisTests
PYTEST := /usr/bin/python3 -m pytest -p no:cacheprovider

.PHONY: help build release test unit-tests end-to-end-tests soak demo demo-down bench clean

help:
	@echo "make demo        real containers and a virtual machine under one policy (as root)"
	@echo "make demo-down   take the demonstration away"
	@echo "make test        every test (as root; up to 30 minutes from a fresh clone on two cores)"
	@echo "make soak        oracle against tables (SOAK_SECONDS), kills, hangs, floods, restarts and load (as root; hours)"
	@echo "make bench       measurements (as root)"
	@echo "make build       .build/debug/bulkhead"
	@echo "make release     .build/release/bulkhead"

root:
	@[ "$$(id -u)" -eq 0 ] || { echo "this needs root: sudo make $(MAKECMDGOALS)"; exit 1; }

build:
	@Scripts/install-dependencies build
	$(SWIFT) build --product bulkhead

release:
	@Scripts/install-dependencies build
	$(SWIFT) build -c release --product bulkhead

test: root
	@Scripts/install-dependencies build test
	@$(MAKE) --no-print-directory unit-tests
	@$(MAKE) --no-print-directory end-to-end-tests

unit-tests: root
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --skip '$(LONG_TESTS)'
	$(SWIFT) test --skip-build --filter '$(LONG_TESTS)'

end-to-end-tests: root $(KUBECTL) $(DOCKER)/usr/sbin/dockerd
	$(SWIFT) build --product bulkhead
	PATH="$(SWIFT_FOLDER):$$PATH" $(PYTEST) -q --durations=5 --numprocesses 2 --dist loadfile Tests/EndToEnd

$(KUBECTL):
	@Scripts/install-kubectl $(dir $(KUBECTL))

$(DOCKER)/usr/sbin/dockerd:
	@Scripts/install-docker $(DOCKER)

# Long runs of tests that make test runs shortly. What oracle and tables disagree on goes into Tests/PolicyEngineTests/Cases.
soak: root $(KUBECTL) $(DOCKER)/usr/sbin/dockerd
	@Scripts/install-dependencies build test
	$(SWIFT) build --product bulkhead
	BULKHEAD_SOAK_SECONDS=$(SOAK_SECONDS) BULKHEAD_TRANSITION_SEEDS="1000..<1140" $(SWIFT) test --filter SoakTests
	BULKHEAD_ANALYSIS_SCALE=9 $(SWIFT) test --filter PolicyAnalysisTests
	Scripts/fuzz selectors $(SOAK_SECONDS)
	Scripts/fuzz objects $(SOAK_SECONDS)
	Scripts/fuzz packets 60 planted
	Scripts/fuzz packets $(SOAK_SECONDS)
	BULKHEAD_FLOOD_SECONDS=600 BULKHEAD_FLOOD_CONNECTIONS=200 $(PYTEST) -q -s Tests/EndToEnd/test_floods.py
	BULKHEAD_KILLS=200 BULKHEAD_FULL_KILLS=50 BULKHEAD_STOPS=50 BULKHEAD_STOP_SECONDS=30 BULKHEAD_STOP_LABS=4 $(PYTEST) -q -rP --numprocesses 4 Tests/EndToEnd/test_kills.py
	BULKHEAD_ANALYSIS_FOLDERS=100 $(PYTEST) -q -s Tests/EndToEnd/test_analysis.py
	BULKHEAD_UPGRADES=100 $(PYTEST) -q -s Tests/EndToEnd/test_upgrade.py
	@Scripts/install-dependencies demo
	BULKHEAD_DEMO=1 $(PYTEST) -q -s Tests/EndToEnd/test_demo.py
	BULKHEAD_RESTARTS=100 $(PYTEST) -q -s Tests/EndToEnd/test_api_restarts.py
	BULKHEAD_SLOW_CLIENTS=500 BULKHEAD_WATCHERS=10000 $(PYTEST) -q -s Tests/EndToEnd/test_api_load.py
	BULKHEAD_STARTS=1000 PATH="$(SWIFT_FOLDER):$$PATH" $(PYTEST) -q -s Tests/EndToEnd/test_podman.py

demo: root
	@Scripts/install-dependencies build demo
	$(SWIFT) build --product bulkhead
	@Scripts/demo

demo-down: root
	@Scripts/demo-down

bench: root
	@Scripts/install-dependencies build test bench
	$(SWIFT) build -c release --product bulkhead
	$(SWIFT) build -c release --product bulkhead-benchmarks
	@Scripts/bench

clean:
	rm -rf .build
