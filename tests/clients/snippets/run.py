"""Calls the tool of the filled snippet, as LangGraph would: `python run.py <snippet>`."""

import asyncio
import importlib.util
import json
import os
import sys

spec = importlib.util.spec_from_file_location("bitbucket", sys.argv[1])
snippet = importlib.util.module_from_spec(spec)
spec.loader.exec_module(snippet)

call = {"name": "get_bitbucket_user", "args": {}, "id": "1", "type": "tool_call"}
credentials = {"refresh_token": os.environ["AUTH0_REFRESH_TOKEN"]}
config = {"configurable": {"thread_id": "of-one-user", "_credentials": credentials}}
answer = asyncio.run(snippet.get_bitbucket_user.ainvoke(call, config))
print(json.dumps(json.loads(answer.content)))
