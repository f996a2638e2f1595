"""The former name of `server.web`, kept for `python -m openmemory.serving`."""

import runpy

if __name__ == "__main__":
    runpy.run_module("server.web", run_name="__main__", alter_sys=True)
