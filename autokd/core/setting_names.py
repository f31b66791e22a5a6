"""The name of each setting, as options and keywords have it, and the key that it sets."""

from collections.abc import Mapping

# Name -> key of RunConfig. What is not here steers the command, not the run.
KEYS: Mapping[str, tuple[str, ...]] = {
    "teacher": ("teacher", "file"),
    "arch": ("teacher", "arch"),
    "input_px": ("teacher", "input_px"),
    "mean": ("teacher", "mean"),
    "std": ("teacher", "std"),
    "class_names": ("teacher", "class_names"),
    "trust_code": ("teacher", "trust_code"),
    "device": ("device",),
    "target": ("target",),
    "data": ("data", "path"),
    "size": ("data", "size_px"),
    "flip": ("data", "flip"),
    "views": ("data", "views"),
    "budget": ("budget",),
    "seed": ("seed",),
    "trials": ("search", "trials"),
    "epochs": ("search", "epochs"),
    "strategy": ("search", "strategy"),
    "space": ("search", "space"),
    "loss": ("search", "loss"),
    "workers": ("search", "workers"),
    "train_on": ("search", "train_on"),
    "kd_gain": ("search", "kd_gain"),
    "kd_gain_seeds": ("search", "kd_gain_seeds"),
    "warm_start": ("search", "warm_start"),
    "track": ("track",),
    "precision": ("export", "precision"),
    "max_accuracy_drop": ("export", "max_accuracy_drop"),
    "max_latency_ms": ("limits", "max_latency_ms"),
    "max_params": ("limits", "max_params"),
    "max_memory": ("limits", "max_memory"),
    "max_size": ("limits", "max_size"),
}
