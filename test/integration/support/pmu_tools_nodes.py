"""Evaluates the formulas of pmu-tools on given counts.

Standard input: {"model": "icx_server_ratios", "register": false, "nodes": [...], "counts": [{"EVENT.NAME": value, ...}, ...]}.
Standard output: a list with the value of each node, by name, for each of the counts; an event that is missing is an error.
"""
import importlib
import json
import sys


class Runner:
    """What a model sets itself up with; nothing of it matters to the values."""

    def __getattr__(self, _name):
        return lambda *_args, **_more: None

    def __init__(self):
        self.nodes = []

    def run(self, node):
        node.thresh = False
        self.nodes.append(node)

    def metric(self, node):
        node.thresh = False


def main():
    asked = json.load(sys.stdin)
    model = importlib.import_module(asked["model"])
    model.smt_enabled = False
    if hasattr(model, "topdown_use_fixed"):
        model.topdown_use_fixed = asked["register"]
    runner = Runner()
    model.Setup(runner)
    wanted = [node for node in runner.nodes if node.name in asked["nodes"]]
    print(json.dumps([values_of(wanted, counts) for counts in asked["counts"]]))


def values_of(nodes, counts):
    def event(name, level):
        return name(event, level) if callable(name) else counts[name]

    for node in nodes:
        node.compute(event)
    return {node.name: node.val for node in nodes}


main()
