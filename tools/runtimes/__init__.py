"""Real runtimes for the tests: old releases of onnxruntime, and the one of arm64 boards."""
