"""The former name of `server.web`: `python -m openmemory.serving` goes on starting it."""

import runpy

if __name__ == "__main__":
    runpy.run_module("server.web", run_name="__main__", alter_sys=True)
