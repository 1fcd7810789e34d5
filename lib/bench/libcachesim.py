"""Simulates set-associative LRU with libCacheSim: each set is a cache of its own, fed with its own records.

Arguments: files of the sets' records in libCacheSim's oracleGeneral format; then `ways` once for each simulation.
Prints one JSON object a line: {"ways", "misses", "seconds"}, seconds of simulation alone.
"""
import json
import os
import sys
import time

import libcachesim as lcs

RECORD_BYTES = 24


def simulate(file, ways):
    reader = lcs.TraceReader(
        trace=file,
        trace_type=lcs.TraceType.ORACLE_GENERAL_TRACE,
        reader_init_params=lcs.ReaderInitParam(ignore_obj_size=True),
    )
    cache = lcs.LRU(cache_size=ways)
    started = time.perf_counter()
    miss_ratio, _ = cache.process_trace(reader)
    seconds = time.perf_counter() - started
    return round(miss_ratio * (os.path.getsize(file) // RECORD_BYTES)), seconds


split = sys.argv.index('--')
files, simulations = sys.argv[1:split], sys.argv[split + 1:]
for ways in map(int, simulations):
    results = [simulate(file, ways) for file in files]
    print(json.dumps({'ways': ways, 'misses': sum(m for m, _ in results), 'seconds': sum(s for _, s in results)}))
