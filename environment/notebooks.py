"""Runs notebooks from their text, top to bottom, each in a fresh kernel.

    .workbench/venv/bin/python environment/notebooks.py --out DIR [--previous DIR] [--html DIR] [--report FILE] [--timeout S] NOTEBOOK.ts ...

The text (`ts:percent`) is the source; the .ipynb written to DIR is a product, saved also when a cell fails. A failed
cell, lost output, or an exception that nobody awaited, even after the last cell, fails the run: exit code 1, and one
line says which notebook and cell. Parameters reach the cells through environment variables only.
"""

import argparse
import asyncio
import hashlib
import json
import pathlib
import signal
import sys
import tempfile
import time

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNEL = {"display_name": "TypeScript (sidecar-workbench)", "language": "typescript", "name": "sidecar-workbench"}
PLOTLY = "application/vnd.plotly.v1+json"
# Seconds that work left running by the last cell has to fail in.
GRACE = 0.3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the executed .ipynb")
    parser.add_argument("--previous", type=pathlib.Path, help="folder of .ipynb whose pictures are kept where the figure is the same")
    parser.add_argument("--html", type=pathlib.Path, help="folder of the interactive pages; plotly.min.js belongs beside")
    parser.add_argument("--report", type=pathlib.Path, help="JSON file of the outcomes")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds a cell may take")
    parser.add_argument("sources", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    # Ends the kernel, too, when we are told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    outcomes = [run_notebook(source, options) for source in options.sources]
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(json.dumps(outcomes, indent=1) + "\n")
    sys.exit(0 if all(outcome["ok"] for outcome in outcomes) else 1)


def run_notebook(source, options):
    started = time.monotonic()
    notebook = build(source)
    failure = asyncio.run(execute(notebook, source.stem, options.timeout))
    target = options.out / f"{source.stem}.ipynb"
    stabilise(notebook)
    if options.previous:
        reuse_images(notebook, options.previous / target.name)
    write(target, nbformat.writes(notebook) + "\n")
    if options.html:
        write(options.html / f"{source.stem}.html", to_html(notebook, source.stem))
    seconds = round(time.monotonic() - started, 1)
    say(f"{source.stem}: {'failed' if failure else 'done'} in {seconds} s{': ' + failure if failure else ''}")
    return {"notebook": source.stem, "ok": failure is None, "failure": failure, "seconds": seconds}


def build(source):
    """The notebook of a text file, without outputs, with ids that depend on the cells' text only."""
    notebook = jupytext.read(source)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


async def execute(notebook, name, timeout):
    """Runs every cell. Returns None, or a line saying which cell failed and how."""
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(ROOT)}},
        record_timing=False,
        coalesce_streams=True,
        raise_on_iopub_timeout=True,
        iopub_timeout=20,
    )
    code_cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    where = "start of the kernel"
    sockets = tempfile.TemporaryDirectory(prefix="notebook-")
    # Ports are chosen seconds before the kernel binds them, and load generators may take one meanwhile; files are not.
    manager = client.create_kernel_manager()
    manager.transport, manager.ip = "ipc", f"{sockets.name}/kernel"
    try:
        async with client.async_setup_kernel():
            info = await client.async_wait_for_reply(client.kc.kernel_info())
            notebook.metadata["language_info"] = info["content"]["language_info"]
            for number, index in enumerate(code_cells, start=1):
                where = f"cell {number} of {len(code_cells)}"
                started = time.monotonic()
                await client.async_execute_cell(notebook.cells[index], index)
                say(f"{name}: {where}, {time.monotonic() - started:.1f} s")
            where = "after the last cell"
            await probe(client, notebook)
        return None
    except CellExecutionError as error:
        return f"{where}: {error.ename}: {error.evalue}"
    except CellTimeoutError:
        return f"{where}: took longer than {timeout} s; --timeout gives it more"
    except (DeadKernelError, TimeoutError, RuntimeError) as error:
        return f"{where}: {str(error).splitlines()[0]}"
    finally:
        sockets.cleanup()


async def probe(client, notebook):
    """An empty last cell: it fails if something that an earlier one had started has failed since."""
    await asyncio.sleep(GRACE)
    notebook.cells.append(nbformat.v4.new_code_cell("0;"))
    try:
        await client.async_execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
    finally:
        notebook.cells.pop()


def stabilise(notebook):
    """Removes what differs between two runs over the same data."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.pop("transient", None)


def reuse_images(notebook, previous):
    """Keeps the previous picture of a figure whose JSON is the same: pixels differ between browsers, diffs should not."""
    if not previous.exists():
        return
    old = {figure_key(output): output for output in figure_outputs(nbformat.read(previous, as_version=4))}
    for output in figure_outputs(notebook):
        same = old.get(figure_key(output))
        if same:
            output["data"] = same["data"]


def figure_outputs(notebook):
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output for output in outputs if PLOTLY in output.get("data", {})]


def figure_key(output):
    """A figure's JSON with its text: a picture kept for it is marked by the text as exact or approximate."""
    return json.dumps([output["data"][PLOTLY], output["data"].get("text/plain")], sort_keys=True)


def to_html(notebook, title):
    from nbconvert import HTMLExporter  # takes a second to load

    exporter = HTMLExporter(template_name="nbconvert-template", extra_template_basedirs=[str(ROOT / "environment")])
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return page


def write(path, text):
    """Whole or not at all, and only if it changed."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    temporary.replace(path)


def say(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()
