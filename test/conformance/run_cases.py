"""Runs Autobahn's WebSocket cases against a server (`client URL`) or a client (`server`) and prints JSON, one case a line."""

import asyncio
import json
import sys

from kosoku import FailureError, run_fuzzingclient, run_fuzzingserver


def show(results):
    for r in results:
        row = {"id": r.case_id, "passed": r.passed, "behavior": r.behavior.value, "close": r.behavior_close.value}
        if not r.passed:
            row["why"] = [r.description, r.result, r.result_close, r.was_not_clean_reason]
        print(json.dumps(row), flush=True)


async def main(mode, *rest):
    try:
        if mode == "client":
            url, *cases = rest
            results = await run_fuzzingclient(url, cases or None)
        else:
            async with run_fuzzingserver(list(rest) or None, port=0) as server:
                print(json.dumps({"port": server.port}), flush=True)
                results = await server.get_result()
    except FailureError as failure:
        results = failure.results
    show(results)


asyncio.run(main(*sys.argv[1:]))
