"""The former name of `server.worker`, kept for `python -m openmemory.working quick`."""

import runpy

if __name__ == "__main__":
    runpy.run_module("server.worker", run_name="__main__", alter_sys=True)
