"""The former name of `server.worker`: `python -m openmemory.working quick` goes on starting it."""

import runpy

if __name__ == "__main__":
    runpy.run_module("server.worker", run_name="__main__", alter_sys=True)
