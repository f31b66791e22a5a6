"""How a worker is started; what it does is tested with the executors."""

import sys
from multiprocessing import spawn
from types import ModuleType

from autokd.search.worker_process import _main_module_hidden


def test_a_worker_does_not_run_the_script_that_called_once_more(monkeypatch):
    script = ModuleType("__main__")
    script.__file__ = __file__  # as `python script.py` has it
    monkeypatch.setitem(sys.modules, "__main__", script)
    before = dict(vars(script))
    assert "init_main_from_path" in spawn.get_preparation_data("x")
    with _main_module_hidden():
        told = spawn.get_preparation_data("x")
    assert not {"init_main_from_name", "init_main_from_path"} & set(told)
    assert vars(script) == before
